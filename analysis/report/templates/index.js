"use strict";
// Filters: what is chosen stands in the address too, so that a choice can be sent to somebody.
(() => {
  const form = document.getElementById("filters"), count = document.getElementById("count");
  const rows = [...document.querySelectorAll(".index > details")];
  function filter() {
    const asked = Object.fromEntries(new FormData(form));
    const words = asked.words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const chosen = ["family", "asked", "outcome"].every((of) => !asked[of] || row.dataset[of] === asked[of]);
      row.hidden = !(chosen && words.every((word) => row.dataset.words.includes(word)));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} verdicts`;
    const kept = new URLSearchParams(Object.entries(asked).filter(([, value]) => value)).toString();
    history.replaceState(null, "", kept ? `#${kept}` : location.pathname);
  }
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
  document.body.dataset.ready = "yes";
})();
