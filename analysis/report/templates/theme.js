"use strict";
// Light or dark as the system has it, or as the button says. Pages draw again when it changes.
(() => {
  const button = document.getElementById("theme"), root = document.documentElement;
  const choices = ["system", "light", "dark"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let at = 0;
  const changed = () => document.dispatchEvent(new Event("colours"));
  button.addEventListener("click", () => {
    at = (at + 1) % choices.length;
    if (at) root.dataset.theme = choices[at];
    else delete root.dataset.theme;
    button.querySelector("span").textContent = choices[at];
    button.setAttribute("aria-label", at ? `Colours: ${choices[at]}` : "Colours: as the system has them");
    changed();
  });
  dark.addEventListener("change", changed);
})();
