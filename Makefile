# Всю работу делает tools/run.py; здесь только короткие имена. Список целей: make help.
# На Windows без make: py tools/run.py lab
PYTHON ?= python3
# exec — чтобы сигналы доходили до Python, а не до оболочки.
RUN = exec $(PYTHON) tools/run.py

.DEFAULT_GOAL := help
.PHONY: help lab edit test lessons results portability site site-serve pdf format course grade contest slides exam

help:
	@$(RUN) help

lab:
	@$(RUN) lab FRESH="$(FRESH)" PORT="$(PORT)" LAB_ARGS="$(LAB_ARGS)"

edit:
	@$(RUN) edit PORT="$(PORT)" LAB_ARGS="$(LAB_ARGS)"

test:
	@$(RUN) test NB="$(NB)"

lessons:
	@$(RUN) lessons NB="$(NB)" FULL="$(FULL)"

results:
	@$(RUN) results NB="$(NB)" MINUTES="$(MINUTES)"

portability:
	@$(RUN) portability NB="$(NB)"

site:
	@$(RUN) site FILMS="$(FILMS)"

site-serve:
	@$(RUN) site-serve PORT="$(PORT)" FILMS="$(FILMS)"

pdf:
	@$(RUN) pdf NB="$(NB)" FILMS="$(FILMS)"

format:
	@$(RUN) format

course:
	@$(RUN) course NB="$(NB)" PRIVATE="$(PRIVATE)" ROSTER="$(ROSTER)" OUT="$(OUT)"

grade:
	@$(RUN) grade SUBMISSIONS="$(SUBMISSIONS)" NB="$(NB)" ROSTER="$(ROSTER)" RELEASE="$(RELEASE)" PRIVATE="$(PRIVATE)" OUT="$(OUT)" ONLY="$(ONLY)" MANUAL="$(MANUAL)" DEADLINE="$(DEADLINE)" PENALTY="$(PENALTY)" ALIKE="$(ALIKE)"

contest:
	@$(RUN) contest SUBMISSIONS="$(SUBMISSIONS)" ROSTER="$(ROSTER)" PRIVATE="$(PRIVATE)" OUT="$(OUT)"

slides:
	@$(RUN) slides NB="$(NB)" OUT="$(OUT)"

exam:
	@$(RUN) exam SEED="$(SEED)" COUNT="$(COUNT)" OUT="$(OUT)"
