"use strict";

/* Item-KNN и EASE из целых чисел «сколько пользователей выбрали и i, и j».
 *
 * Формулы — из уроков 01 и 04, порядок сложений и правило равных — как у Python, поэтому списки
 * совпадают. Всё в float64: Math.fround здесь не место. Функция не зовёт ничего снаружи: её текст
 * исполняется и на странице, и в фоновом потоке.
 */
function makeModels() {
  const BLOCK = 64;
  const EPSILON = 2 ** -52;

  /** Матрица Грама n × n из распакованных байтов.
   *
   * Сначала диагональ, потом строки верхнего треугольника. Записано отличие от числа, которое вышло
   * бы у независимых покупок, ⌊n_i·n_j/U⌋: оно короче самого числа. Отличие d — это 2d или, если
   * оно меньше нуля, −2d − 1, по семь битов в байте, младшие раньше.
   */
  function unpack(bytes, nItems, nUsers) {
    let at = 0;
    function next() {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        if (at === bytes.length) throw new Error("Файл чисел оборван.");
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    }
    const G = new Float64Array(nItems * nItems);
    for (let i = 0; i < nItems; i++) G[i * nItems + i] = next();
    for (let i = 0; i < nItems; i++) {
      for (let j = i + 1; j < nItems; j++) {
        const code = next();
        const expected = Math.floor((G[i * nItems + i] * G[j * nItems + j]) / nUsers);
        const count = expected + (code % 2 ? -(code + 1) / 2 : code / 2);
        G[i * nItems + j] = count;
        G[j * nItems + i] = count;
      }
    }
    if (at !== bytes.length) throw new Error("В файле чисел лишнее.");
    return G;
  }

  /** Сходства S и ключи соседей: у строки j ключ объекта i тем меньше, чем ближе сосед.
   *
   * Сосед выбирается по сходству, округлённому до 10 знаков; равные — по меньшему номеру.
   */
  function similarities(G, n, shrinkage) {
    const norms = new Float64Array(n);
    for (let i = 0; i < n; i++) norms[i] = Math.sqrt(G[i * n + i]) || 1;
    const S = new Float64Array(n * n);
    let unit = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i === j) continue;
        const s = G[i * n + j] / (norms[i] * norms[j] + shrinkage);
        S[i * n + j] = s;
        if (s > unit) unit = s;
      }
    }
    unit = unit || 1;
    const keys = new Float64Array(n * n);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        // 2^52 отбрасывает дробную часть так же, как numpy.round: половина — к чётному.
        const rounded = (S[j * n + i] / unit) * 1e10 + 2 ** 52 - 2 ** 52;
        keys[j * n + i] = i - rounded * n;
      }
    }
    return { S, keys };
  }

  /** Число, стоящее на месте k по возрастанию (с нуля); порядок чисел в row меняется. */
  function select(row, k) {
    let low = 0, high = row.length - 1;
    while (low < high) {
      const pivot = row[(low + high) >> 1];
      let i = low, j = high;
      while (i <= j) {
        while (row[i] < pivot) i++;
        while (row[j] > pivot) j--;
        if (i <= j) {
          const kept = row[i];
          row[i++] = row[j];
          row[j--] = kept;
        }
      }
      if (k <= j) high = j;
      else if (k >= i) low = i;
      else break;
    }
    return row[k];
  }

  /** Item-KNN с отсечением по цели: cut[j] — ключ последнего из k соседей объекта j. */
  function truncate(model, n, k) {
    const cut = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      cut[j] = select(model.keys.slice(j * n, (j + 1) * n), Math.min(k, n) - 1);
    }
    return { ...model, cut };
  }

  /** Вес объекта i в балле объекта j: сходство, если i среди k соседей j. */
  function knnWeight(model, n, i, j) {
    return model.keys[j * n + i] <= model.cut[j] ? model.S[j * n + i] : 0;
  }

  function easeWeight(model, n, i, j) {
    return model.B[i * n + j];
  }

  /** Баллы всех объектов: сумма весов истории; история — по возрастанию номеров. */
  function scores(n, history, weight) {
    const total = new Float64Array(n);
    for (const i of history) for (let j = 0; j < n; j++) total[j] += weight(i, j);
    return total;
  }

  /** Номера depth лучших без истории; равные — меньший номер раньше. */
  function best(total, history, depth) {
    const seen = new Set(history);
    const list = [];
    for (let j = 0; j < total.length; j++) {
      if (seen.has(j)) continue;
      let at = list.length;
      while (at > 0 && total[list[at - 1]] < total[j]) at--;
      if (at === depth) continue;
      list.splice(at, 0, j);
      if (list.length > depth) list.pop();
    }
    return list;
  }

  /** C[i][j] += sign · Σ A[i][k]·B[j][k], k от from до to, для квадрата 4 × 4.
   *
   * Все матрицы лежат по строкам длины m: оба множителя читаются подряд. */
  function tile(A, i, B, j, C, m, from, to, sign) {
    let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
    let c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
    const a0 = i * m, a1 = a0 + m, a2 = a1 + m, a3 = a2 + m;
    const b0 = j * m, b1 = b0 + m, b2 = b1 + m, b3 = b2 + m;
    for (let k = from; k < to; k++) {
      const p = B[b0 + k], q = B[b1 + k], r = B[b2 + k], s = B[b3 + k];
      let x = A[a0 + k];
      c00 += x * p; c01 += x * q; c02 += x * r; c03 += x * s;
      x = A[a1 + k];
      c10 += x * p; c11 += x * q; c12 += x * r; c13 += x * s;
      x = A[a2 + k];
      c20 += x * p; c21 += x * q; c22 += x * r; c23 += x * s;
      x = A[a3 + k];
      c30 += x * p; c31 += x * q; c32 += x * r; c33 += x * s;
    }
    let at = i * m + j;
    C[at] += sign * c00; C[at + 1] += sign * c01; C[at + 2] += sign * c02; C[at + 3] += sign * c03;
    at += m;
    C[at] += sign * c10; C[at + 1] += sign * c11; C[at + 2] += sign * c12; C[at + 3] += sign * c13;
    at += m;
    C[at] += sign * c20; C[at + 1] += sign * c21; C[at + 2] += sign * c22; C[at + 3] += sign * c23;
    at += m;
    C[at] += sign * c30; C[at + 1] += sign * c31; C[at + 2] += sign * c32; C[at + 3] += sign * c33;
  }

  /** L вместо нижнего треугольника A; false, если очередной ведущий элемент не больше нуля. */
  function cholesky(A, m, report) {
    for (let start = 0; start < m; start += BLOCK) {
      const stop = Math.min(start + BLOCK, m);
      for (let i = start; i < m; i += 4) {
        for (let j = start; j < stop && j <= i; j += 4) tile(A, i, A, j, A, m, 0, start, -1);
      }
      for (let j = start; j < stop; j++) {
        let pivot = A[j * m + j];
        for (let k = start; k < j; k++) pivot -= A[j * m + k] * A[j * m + k];
        if (!(pivot > 0 && pivot < Infinity)) return false;
        pivot = Math.sqrt(pivot);
        A[j * m + j] = pivot;
        for (let i = j + 1; i < m; i++) {
          let sum = A[i * m + j];
          for (let k = start; k < j; k++) sum -= A[i * m + k] * A[j * m + k];
          A[i * m + j] = sum / pivot;
        }
      }
      report(stop / m / 3);
    }
    return true;
  }

  /** T — транспонированная L⁻¹: строка T — столбец обратной, по нему и идут суммы. */
  function invertTriangle(L, m, report) {
    const T = new Float64Array(m * m);
    const P = new Float64Array(m * m);
    for (let start = 0; start < m; start += BLOCK) {
      const stop = Math.min(start + BLOCK, m);
      for (let i = start; i < stop; i += 4) {
        for (let j = 0; j < start; j += 4) tile(L, i, T, j, P, m, j, start, 1);
      }
      for (let i = start; i < stop; i++) {
        const pivot = L[i * m + i];
        T[i * m + i] = 1 / pivot;
        for (let j = 0; j < i; j++) {
          let sum = P[i * m + j];
          for (let k = Math.max(start, j); k < i; k++) sum += L[i * m + k] * T[j * m + k];
          T[j * m + i] = -sum / pivot;
        }
      }
      report(1 / 3 + stop / m / 3);
    }
    return T;
  }

  /** Веса EASE: H = (G + λ₂E)⁻¹, B_ij = −H_ij / H_jj, на диагонали нули.
   *
   * Вернёт {B, condition} или {B: null}: λ₂ мал, и матрица в float64 вырождена. condition — грубая
   * оценка обусловленности, умноженная на точность чисел: больше 1e-6 — последним цифрам верить
   * нельзя. */
  function easeWeights(G, n, l2, report) {
    const m = Math.ceil(n / 4) * 4; // лишние строки единичные и ничего не меняют
    const A = new Float64Array(m * m);
    let trace = 0;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < i && i < n; j++) A[i * m + j] = G[i * n + j];
      A[i * m + i] = i < n ? G[i * n + i] + l2 : 1;
      if (i < n) trace += A[i * m + i];
    }
    if (!cholesky(A, m, report)) return { B: null };
    const T = invertTriangle(A, m, report);
    const H = A.fill(0);
    for (let i = 0; i < m; i += 4) {
      for (let j = 0; j <= i; j += 4) tile(T, i, T, j, H, m, i, m, 1);
      if (i % BLOCK === 0) report(2 / 3 + (i / m) * (i / m) / 3);
    }
    let largest = 0;
    for (let i = 0; i < n; i++) largest = Math.max(largest, H[i * m + i]);
    const B = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i === j) continue;
        const h = i > j ? H[i * m + j] : H[j * m + i];
        B[i * n + j] = h / -H[j * m + j];
        if (!Number.isFinite(B[i * n + j])) return { B: null };
      }
    }
    return { B, condition: trace * largest * EPSILON };
  }

  return { unpack, similarities, truncate, knnWeight, easeWeight, scores, best, easeWeights };
}
