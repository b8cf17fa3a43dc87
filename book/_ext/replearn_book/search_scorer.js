// How results of the search are ordered: see search.py. Sphinx puts this file into
// language_data.js, which is loaded after searchtools.js.

var Scorer = (() => {
  // The first pattern that fits a page says how much what is found on it is worth.
  const PAGE_WEIGHTS = [
    [/^lectures\//, 1],
    [/^book\/(how_to_use|notation|index)$/, 1],
    [/^book\/assignments\//, 0.8],
    [/^book\/(comparison|scoreboard|instructor|bibliography)$/, 0.6],
    [/^/, 0.3], // the library, the claims' tests, what is for those who change the book
  ];
  const IN_TITLE = 2; // a word in the title of the page
  const IN_HEADING = 1; // in any heading of the page
  const OFTEN = 3; // so many times on a page is half of what counting can give
  const CODE_NAME = /[._]|[a-z][A-Z]/; // looks like a name of the library: its reference comes first

  const pageWeight = (name) => PAGE_WEIGHTS.find(([pattern]) => pattern.test(name))[1];

  const timesOn = (page, word) => {
    const index = Search._index;
    const counted = Object.hasOwn(index.counts, word) ? index.counts[word] : [];
    const found = counted.find(([number]) => number === page);
    if (found) return found[1];
    const listed = Object.hasOwn(index.terms, word) ? [index.terms[word]].flat() : [];
    return listed.includes(page) ? 1 : 0;
  };

  const wordScore = (page, word, titleWords) => {
    const index = Search._index;
    const headings = Object.hasOwn(index.titleterms, word) ? [index.titleterms[word]].flat() : [];
    const times = timesOn(page, word);
    return (
      (titleWords.has(word) ? IN_TITLE : 0) +
      (headings.includes(page) ? IN_HEADING : 0) +
      times / (times + OFTEN)
    );
  };

  const stemsOf = (text) => {
    const stemmer = new Stemmer();
    const words = splitQuery(text.toLowerCase()).filter((word) => !stopwords.includes(word));
    return new Set(words.map((word) => stemmer.stemWord(word)));
  };

  return {
    objNameMatch: 11,
    objPartialMatch: 6,
    objPrio: { 0: 15, 1: 5, 2: -5 },
    objPrioDefault: 0,
    title: 15,
    partialTitle: 7,
    term: 5,
    partialTerm: 2,

    score: ([docname, title, anchor, description, found]) => {
      const query = new URLSearchParams(window.location.search).get("q") || "";
      const page = Search._index.docnames.indexOf(docname);
      const words = [...stemsOf(query)];
      const titleWords = stemsOf(Search._index.titles[page]);
      const sum = words.reduce((all, word) => all + wordScore(page, word, titleWords), 0);
      const named = description !== null && title.split(".").pop() === query.split(".").pop();
      if (named && CODE_NAME.test(query)) return 100;
      // A place on a page comes just after the page; what Sphinx found breaks ties.
      const place = anchor ? 0.02 : 0;
      return pageWeight(docname) * (sum / Math.max(words.length, 1)) - place + found / 1e5;
    },
  };
})();

// The lines under a result are of the page's text, without what the theme puts around it.
if (typeof Search !== "undefined") {
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article.bd-article") || page.body;
    const unwanted = ".headerlink, script, style, svg, .no-search, .toggle-button";
    article.querySelectorAll(unwanted).forEach((node) => node.remove());
    const place = anchor ? page.getElementById(anchor.slice(1)) : null;
    return (place && article.contains(place) ? place : article).textContent;
  };
}
