# Всю работу делает tools/run.py; здесь только короткие имена. На Windows: py tools/run.py lab
PYTHON ?= python3
RUN = $(PYTHON) tools/run.py

.PHONY: lab edit test lessons portability format

# Читать уроки. FRESH=04_ease — положить рядом новую копию урока, PORT=9999, LAB_ARGS="--no-browser".
lab:
	@$(RUN) lab FRESH="$(FRESH)" PORT="$(PORT)" LAB_ARGS="$(LAB_ARGS)"

# Править уроки: .py открываются как тетради.
edit:
	@$(RUN) edit PORT="$(PORT)" LAB_ARGS="$(LAB_ARGS)"

# Проверить всё.
test:
	@$(RUN) test

# Собрать тетради. NB="04_ease 00a_start" — только эти, FULL=1 — пересчитать и долгие результаты,
# FULL=stale — только устаревшие.
lessons:
	@$(RUN) lessons NB="$(NB)" FULL="$(FULL)"

# Сверить сохранённые выводы при других настройках процессора.
portability:
	@$(RUN) portability NB="$(NB)"

# Привести код к единому виду.
format:
	@$(RUN) format
