// What is wider than its place: formulas become smaller or break on a phone, and what scrolls by
// itself says so, by a faded edge (replearn.css) and to the keyboard.
(() => {
  "use strict";
  const NARROW = matchMedia("(max-width: 600px)");
  const SMALLEST = 0.72; // of a formula's size; below that it is not read but guessed
  const SCROLLING = [
    ['mjx-container[display="true"]', "Formula"],
    [".replearn-table, .pst-scrollable-table-container, .output.text_html", "Table"],
    ["div.highlight pre, .output pre", "Code"],
  ];

  const article = () => document.querySelector("article.bd-article");

  const scaled = (formula, factor) => {
    formula.dataset.size ??= formula.style.fontSize || "100%";
    formula.style.fontSize = factor < 1 ? `calc(${formula.dataset.size} * ${factor})` : formula.dataset.size;
  };

  const fit = (formula, width, space) =>
    scaled(formula, Math.max(SMALLEST, Math.min(1, (space - 1) / width)));

  // Smaller display formulas on a phone; what still does not fit is scrolled.
  const shrinkDisplays = () =>
    article().querySelectorAll('mjx-container[display="true"]').forEach((formula) => {
      scaled(formula, 1);
      if (NARROW.matches && formula.scrollWidth > formula.clientWidth + 1) {
        fit(formula, formula.scrollWidth, formula.clientWidth);
      }
    });

  // The row of symbols of an inline formula, without what only wraps it.
  const rowOf = (formula) => {
    let row = formula.querySelector("mjx-math");
    while (row && row.children.length === 1 && /^MJX-(MROW|MSTYLE|TEXATOM)$/.test(row.firstElementChild.tagName)) {
      row = row.firstElementChild;
    }
    return row;
  };

  // MathJax writes the space before a symbol as an attribute: 3 and 4 are those of + and =, and
  // what follows a comma has 2. A line may end after such a symbol.
  const mayEndAfter = (symbol) => {
    const after = symbol.nextElementSibling;
    const operator = symbol.tagName === "MJX-MO" && /^[345]$/.test(symbol.getAttribute("space"));
    return after !== null && (operator || after.getAttribute("space") === "2");
  };

  const breakInline = (formula) => {
    const row = rowOf(formula);
    if (!row || formula.classList.contains("breaks")) return;
    let run = null;
    for (const symbol of [...row.children]) {
      const last = mayEndAfter(symbol);
      if (run === null) {
        run = document.createElement("span");
        run.className = "run";
        row.insertBefore(run, symbol);
      }
      run.append(symbol);
      if (last) run = null;
    }
    formula.classList.add("breaks");
    for (let at = row; at !== formula; at = at.parentElement) at.classList.add("breaks");
  };

  const placeOf = (formula) => {
    let place = formula.parentElement;
    while (/^inline/.test(getComputedStyle(place).display)) place = place.parentElement;
    const style = getComputedStyle(place);
    return place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  };

  // Its box is no wider than the line; what is in it can be.
  const widthOf = (formula) => formula.querySelector("mjx-math")?.getBoundingClientRect().width ?? 0;

  const fitInlines = () => {
    const formulas = [...article().querySelectorAll('mjx-container:not([display="true"])')];
    const wide = formulas
      .map((formula) => [formula, placeOf(formula)])
      .filter(([formula, space]) => space > 0 && widthOf(formula) > space + 1);
    for (const [formula, space] of wide) {
      breakInline(formula);
      const runs = [...formula.querySelectorAll("span.run")];
      const widest = Math.max(0, ...runs.map((run) => run.getBoundingClientRect().width));
      if (widest > space) fit(formula, widest, space);
    }
  };

  const mark = (box, kind) => {
    const hidden = box.scrollWidth - box.clientWidth;
    const scrolls = hidden > 1 && /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (!scrolls) {
      if (box.dataset.cut !== undefined) {
        delete box.dataset.cut;
        ["tabindex", "role", "aria-label"].forEach((name) => box.removeAttribute(name));
      }
      return;
    }
    const left = box.scrollLeft > 1;
    const right = box.scrollLeft < hidden - 1;
    if (box.dataset.cut === undefined) {
      box.addEventListener("scroll", () => mark(box, kind), { passive: true });
      // A box that was made for the keyboard keeps its name.
      if (!box.hasAttribute("tabindex")) box.setAttribute("tabindex", "0");
      if (!box.hasAttribute("role")) box.setAttribute("role", "group");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", `${kind}, scrolls sideways`);
    }
    box.dataset.cut = left && right ? "both" : left ? "left" : right ? "right" : "";
  };

  const markAll = () =>
    SCROLLING.forEach(([selector, kind]) =>
      article().querySelectorAll(selector).forEach((box) => mark(box, kind)));

  const look = () => {
    if (article()) { // the page of the search has none
      shrinkDisplays();
      fitInlines();
      markAll();
    }
    document.documentElement.dataset.fitted = "true"; // for whoever waits, such as a test
  };

  const start = async () => {
    await window.MathJax?.startup?.promise;
    look();
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      look();
    });
    // Folded parts have no width until they are opened.
    article()?.addEventListener("toggle", look, true);
    article()?.addEventListener("click", (event) => {
      if (event.target.closest(".toggle-button, .admonition-title, .sd-tab-label")) setTimeout(look, 400);
    });
  };
  addEventListener("load", start);
})();
