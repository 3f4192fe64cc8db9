"use strict";
// The page of a run: histories that light up in every panel, and one network over its training.
const report = window.report = (() => {
  const about = JSON.parse(document.getElementById("about").textContent);
  const element = (id) => document.getElementById(id);
  const PANELS = ["exact", "trained", "untrained"];
  const NEAR = 14; // pixels within which a dot is pointed at
  const REACH = 0.45; // of a panel, from which words are written to its left
  const ROOM = 240; // pixels of a panel, from which it has words
  let arrays, doc, step = about.steps.length - 1, lit = -1, pair = [0, 1], byWord;

  // Arrays, as analysis/report/arrays.py writes them.
  async function unpack() {
    const text = atob(element("arrays").textContent.trim());
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const whole = await new Response(stream).arrayBuffer();
    const said = new DataView(whole).getUint32(0, true), first = 4 + said;
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(whole, 4, said)));
    const kinds = { uint8: Uint8Array, int8: Int8Array, int32: Int32Array, uint16: Uint16Array };
    const found = {};
    for (const [name, { dtype, shape, at, scale }] of Object.entries(header)) {
      const size = shape.reduce((a, b) => a * b, 1);
      let values = new kinds[dtype](whole, first + at, size);
      if (scale) {
        const [low, high] = scale, unit = (high - low) / 65535;
        values = Float32Array.from(values, (v) => low + unit * v);
      }
      found[name] = { values, shape, width: shape.length > 1 ? shape[shape.length - 1] : 1 };
    }
    return found;
  }

  const named = (name) => doc.get_model_by_name(name);
  const colour = (name) => name === "none" ? null : getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  function colours() {
    for (const model of doc.all_models) {
      const tag = model.tags[0];
      if (tag === undefined || tag === null) continue;
      const asked = tag instanceof Map ? [...tag] : Object.entries(tag);
      for (const [property, name] of asked) model[property] = property.endsWith("glyph") ? name : colour(name);
    }
    if (about.by_layer) heat();
  }

  // Histories.
  const N = () => arrays.tokens.shape[0];
  function tokens(i) {
    const { values, width } = arrays.tokens;
    const word = [];
    for (let t = 0; t < width && values[i * width + t] >= 0; t++) word.push(values[i * width + t]);
    return word;
  }
  const word = (i) => i < 0 ? "" : tokens(i).join(" ");
  function index(asked) {
    if (byWord === undefined) {
      byWord = new Map();
      for (let i = 0; i < N(); i++) byWord.set(word(i), i);
    }
    return byWord.get(asked) ?? -1;
  }
  const read = (text) => (/[\s,]/.test(text.trim()) ? text.trim().split(/[\s,]+/) : [...text.trim()]).join(" ");
  const last = () => step === about.steps.length - 1;
  // Rows that a panel shows, and where its coordinates are: one network is followed over training on some of them.
  function shows(panel) {
    if (panel === "trained" && !last()) {
      const { values, shape } = arrays.unfolding, [, n, k] = shape;
      return { rows: arrays.followed.values, at: values.subarray(step * n * k, (step + 1) * n * k), k };
    }
    return { rows: null, at: arrays[panel].values, k: arrays[panel].width };
  }
  // Where the j-th of the shown rows lies.
  function place(panel, { rows, at, k }, j) {
    if (about.kind !== "line") return [at[j * k + pair[0]], at[j * k + pair[1]]];
    const i = rows ? rows[j] : j, x = arrays.exact.values[i * arrays.exact.width];
    return panel === "exact" ? [x, tokens(i).length - 1] : [x, at[j * k]];
  }
  function fill(panel) {
    const shown = shows(panel), n = shown.rows ? shown.rows.length : N();
    const x = new Float32Array(n), y = new Float32Array(n), size = new Float32Array(n), colour = new Uint8Array(4 * n);
    const larger = (shown.rows ? Math.min(3, Math.sqrt(N() / n)) : 1) * (panel === "exact" || innerWidth > 736 ? 1 : 0.75);
    for (let j = 0; j < n; j++) {
      const i = shown.rows ? shown.rows[j] : j;
      [x[j], y[j]] = place(panel, shown, j);
      size[j] = arrays.size.values[i] / 10 * larger;
      for (let c = 0; c < 3; c++) colour[4 * j + c] = arrays.colour.values[3 * i + c];
      colour[4 * j + 3] = 255;
    }
    const packed = new Uint32Array(n);
    for (let j = 0; j < n; j++) packed[j] = ((colour[4 * j] << 24) | (colour[4 * j + 1] << 16) | (colour[4 * j + 2] << 8) | 255) >>> 0;
    named(`points of ${panel}`).data = { x, y, size, colour: packed };
  }
  // The dot of a panel nearest to where the pointer is, or -1.
  function nearest(panel, px, py) {
    const plot = named(panel), shown = shows(panel), n = shown.rows ? shown.rows.length : N();
    const sx = plot.inner_width / (plot.x_range.end - plot.x_range.start);
    const sy = plot.inner_height / (plot.y_range.end - plot.y_range.start);
    let best = NEAR * NEAR, found = -1;
    for (let j = 0; j < n; j++) {
      const [x, y] = place(panel, shown, j);
      const d = ((x - px) * sx) ** 2 + ((y - py) * sy) ** 2;
      if (d <= best) [best, found] = [d, j]; // of equals the last, which is drawn on top
    }
    return found < 0 ? -1 : shown.rows ? shown.rows[found] : found;
  }
  function where(panel, i) {
    const shown = shows(panel);
    if (!shown.rows) return place(panel, shown, i);
    const j = shown.rows.indexOf(i);
    return j < 0 ? [NaN, NaN] : place(panel, shown, j);
  }
  function light(i) {
    lit = i;
    const data = {};
    for (const panel of PANELS) {
      const { start, end } = named(panel).x_range, [x, y] = i < 0 ? [0, 0] : where(panel, i);
      const left = (x - start) / (end - start) > REACH; // words are written to the side where there is room
      const told = { x, y, word: named(panel).inner_width > ROOM ? word(i) : "", align: left ? "right" : "left", dx: left ? 4 : -4 };
      for (const [name, value] of Object.entries(told)) data[`${name} ${panel}`] = i < 0 ? [] : [value];
    }
    named("lit").data = data;
    card(i);
  }
  function point(panel, x, y) {
    if (!arrays) return;
    const i = nearest(panel, x, y);
    if (i < 0 || i === lit) return;
    element("find").value = word(i);
    light(i);
  }
  const made = (tag, text, kind) => {
    const it = document.createElement(tag);
    if (text !== undefined) it.textContent = text;
    if (kind) it.className = kind;
    return it;
  };
  function bars(rows) {
    const all = made("div", undefined, "bars");
    for (const [name, value, kind] of rows) {
      const bar = made("div", undefined, `bar ${kind}`), inner = made("i");
      inner.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
      bar.append(inner);
      all.append(made("span", name), bar, made("span", value.toFixed(4)));
    }
    return all;
  }
  function card(i) {
    const it = element("card");
    it.replaceChildren();
    it.dataset.history = word(i);
    if (i < 0) return it.append(made("p", "No history is pointed at.", "empty"));
    const part = (title, content) => {
      const box = made("div");
      box.append(made("h4", title), content);
      it.append(box);
    };
    const history = made("div");
    history.append(made("p", word(i), "word"), made("small", `${tokens(i).length} tokens, position ${tokens(i).length - 1}`));
    part("history", history);
    const row = (name) => {
      const { values, width } = arrays[name];
      return [...values.subarray(i * width, (i + 1) * width)];
    };
    if (arrays.belief) part("exact belief", bars(row("belief").map((v, s) => [about.names[s], v, "exact"])));
    const whole = (some) => [...some, Math.max(0, 1 - some.reduce((a, b) => a + b, 0))];
    const exact = whole(row("next_exact")), network = whole(row("next_trained"));
    part("next token: exact, then the trained network", bars(exact.flatMap((v, x) => [[String(x), v, "exact"], ["", network[x], "trained"]])));
  }

  // Layers by positions: colours of cividis (Nunez, Anderton, Renslow 2018), at ten places.
  const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];
  function shade(r2) {
    const bits = -Math.log2(Math.max(1 - r2, 1e-4)), at = Math.min(9, Math.max(0, Math.round(bits * 9 / 11)));
    return [CIVIDIS[at], at < 5 ? "#ffffff" : "#14171a"];
  }
  function heat() {
    const table = element("heat"), rows = about.by_layer[step];
    const positions = rows[0].map((_, t) => t).filter((t) => rows.some((row) => row[t] !== null));
    table.replaceChildren(made("caption", "Layer (rows) by position (columns, from 0): held-out R²"));
    const head = made("tr");
    head.append(made("th", ""));
    for (const t of positions) head.append(made("th", String(t)));
    const top = made("thead"), body = made("tbody");
    top.append(head);
    for (let l = rows.length - 1; l >= 0; l--) {
      const line = made("tr"), name = made("th", about.layers[l]);
      name.scope = "row";
      line.append(name);
      for (const r2 of positions.map((t) => rows[l][t])) {
        const cell = made("td", r2 === null ? "–" : r2 > 0.99 ? r2.toFixed(4).replace("0.", ".") : r2.toFixed(2), r2 === null ? "none" : "");
        if (r2 !== null) [cell.style.background, cell.style.color] = shade(r2);
        line.append(cell);
      }
      body.append(line);
    }
    table.append(top, body);
  }

  // Training.
  function curve(at) {
    const [steps, excess] = about.curve;
    let i = steps.findIndex((s) => s >= at);
    if (i < 0) i = steps.length - 1;
    return [Math.max(at, steps[0]), excess[i]];
  }
  function go(to) {
    step = to;
    element("step").value = to;
    const { values, width } = arrays.excess;
    const excess = [...values.subarray(step * width, (step + 1) * width)];
    const mean = excess.reduce((a, b) => a + b, 0) / width;
    const told = last() ? "after training" : `at step ${about.steps[step]}`;
    element("at").textContent = `step ${about.steps[step]} · KL ${mean.toExponential(1)}` + (about.r2 ? ` · R² ${about.r2[step].toFixed(4)}` : "");
    element("step").setAttribute("aria-valuetext", element("at").textContent);
    document.querySelectorAll(".step-told").forEach((it) => { it.textContent = told; });
    const least = Math.min(...excess.filter((v) => v > 0), 1);
    named("excess at the step").data = { x: excess.map((_, t) => t), y: excess.map((v) => Math.max(v, least)) };
    const [x, y] = curve(about.steps[step]);
    named("step on the curve").data = { x: [x], y: [y] };
    if (!about.kind) return;
    element("r2").textContent = `${told}, R² ${about.r2[step].toFixed(4)}`;
    fill("trained");
    light(lit);
    heat();
  }
  function play() {
    const button = element("play");
    if (button.dataset.timer) {
      clearInterval(Number(button.dataset.timer));
      delete button.dataset.timer;
      button.textContent = "▶ train";
      return;
    }
    if (last()) go(0);
    button.textContent = "■ stop";
    button.dataset.timer = setInterval(() => last() ? play() : go(step + 1), 700);
  }

  function axes() {
    const k = arrays.exact.width;
    pair = element("axes") && element("axes").value === "1" ? (k > 3 ? [2, 3] : [0, 2]) : [0, 1];
    if (about.kind === "axes") document.querySelectorAll(".panels .axis").forEach((it) => { it.textContent = `→ ${about.axes[pair[0]]}, ↑ ${about.axes[pair[1]]}`; });
    PANELS.forEach(fill);
    light(lit);
  }
  function find(event) {
    const field = element("find");
    let asked = read(field.value);
    if (event.type === "keydown") {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const i = (Math.max(lit, 0) + (event.key === "ArrowDown" ? 1 : N() - 1)) % N();
      field.value = asked = word(i);
    }
    const i = index(asked);
    field.setAttribute("aria-invalid", String(i < 0 && field.value.trim() !== ""));
    light(i);
    if (i < 0 && field.value.trim()) element("card").firstChild.textContent = `“${field.value}” is none of the histories that are drawn.`;
  }

  function begin() {
    element("step").max = about.steps.length - 1;
    element("step").addEventListener("input", (e) => go(Number(e.target.value)));
    element("play").addEventListener("click", play);
    if (about.kind) {
      axes();
      element("find").addEventListener("input", find);
      element("find").addEventListener("keydown", find);
      if (element("axes")) element("axes").addEventListener("change", axes);
    }
    document.addEventListener("colours", colours);
    colours();
    go(step);
    moving(named);
    document.body.dataset.ready = "yes";
  }
  const there = () => {
    doc = Bokeh.documents[0];
    return doc !== undefined && doc.get_model_by_name("step on the curve") !== null && doc.is_idle !== false;
  };
  async function wait() {
    if (typeof DecompressionStream === "undefined") {
      const said = "This browser is too old to read the numbers of this page; Chrome 80, Firefox 113 or Safari 16.4 can.";
      return document.querySelector("main").prepend(made("p", said, "warning"));
    }
    arrays = await unpack();
    const look = () => there() ? begin() : requestAnimationFrame(look);
    look();
  }
  wait();
  return { point, light, index, state: () => ({ lit: word(lit), step }), where: (panel, text) => where(panel, index(text)), named: (n) => named(n) };
})();
