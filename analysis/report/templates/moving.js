"use strict";
// Figures that are moved and enlarged: by mouse where the box says so, by keys where the focus is.
const moving = (named) => {
  const STEP = 0.1, NEARER = 0.8; // of what is seen
  const KEYS = { // to the right, up, and how much is seen then of what is seen now
    ArrowLeft: [-STEP, 0, 1], ArrowRight: [STEP, 0, 1], ArrowDown: [0, -STEP, 1], ArrowUp: [0, STEP, 1],
    "+": [0, 0, NEARER], "=": [0, 0, NEARER], "-": [0, 0, 1 / NEARER], "_": [0, 0, 1 / NEARER], // = and _ are + and - but for a shift
  };
  // On the scale on which it is drawn; a range of several figures moves in all of them.
  function shift(range, scale, by, size) {
    const log = scale.type === "LogScale", to = log ? Math.log10 : Number, back = log ? (v) => 10 ** v : Number;
    const low = to(range.start), high = to(range.end), middle = (low + high) / 2 + by * (high - low), half = size * (high - low) / 2;
    const [start, end] = [back(middle - half), back(middle + half)];
    if (!Number.isFinite(end - start) || start === end || (log && start <= 0)) return;
    range.have_updated_interactively = true; // as Bokeh says of ranges that no longer follow their data
    range.setv({ start, end });
  }
  for (const group of document.querySelectorAll("[data-plots]")) {
    const plots = group.dataset.plots.split(",").map(named), back = group.querySelector(".back");
    const ranges = [...new Set(plots.flatMap((plot) => [plot.x_range, plot.y_range]))];
    const whole = () => plots.forEach((plot) => plot.reset.emit());
    for (const range of ranges) range.change.connect(() => { back.disabled = !ranges.some((r) => r.have_updated_interactively); });
    back.addEventListener("click", whole);
    group.querySelector(".move").addEventListener("change", (e) => {
      for (const plot of plots) for (const tool of plot.toolbar.tools) if (tool.type !== "HoverTool") tool.active = e.target.checked;
    });
    for (const plot of plots) {
      document.querySelector(`[data-plot="${plot.name}"]`).addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey) return; // those are the browser's
        if (event.key !== "0" && !(event.key in KEYS)) return;
        event.preventDefault();
        if (event.key === "0") return whole();
        const [right, up, size] = KEYS[event.key];
        if (right || size !== 1) shift(plot.x_range, plot.x_scale, right, size);
        if (up || size !== 1) shift(plot.y_range, plot.y_scale, up, size);
      });
    }
  }
};
