// Paper is white and has nothing to click: printing is always light, and folded code is shown.
(() => {
  "use strict";
  const root = document.documentElement;
  let before = null;

  const prepare = () => {
    if (before) return;
    const folded = [...document.querySelectorAll(".bd-article details:not([open])")];
    before = { theme: root.dataset.theme, folded };
    root.dataset.theme = "light";
    folded.forEach((part) => part.setAttribute("open", ""));
  };

  const restore = () => {
    if (!before) return;
    root.dataset.theme = before.theme;
    before.folded.forEach((part) => part.removeAttribute("open"));
    before = null;
  };

  addEventListener("beforeprint", prepare);
  addEventListener("afterprint", restore);
  matchMedia("print").addEventListener("change", (event) => (event.matches ? prepare() : restore()));
})();
