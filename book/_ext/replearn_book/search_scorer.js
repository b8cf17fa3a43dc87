// How results of the search are ordered: see search.py. Sphinx puts this file into
// language_data.js, which is loaded after searchtools.js.

var Scorer = (() => {
  // The first pattern that fits a page says how much what is found on it is worth.
  const PAGE_WEIGHTS = [
    [/^book\/how_to_use$/, 1.3],
    [/^lectures\/|^book\/(notation|index)$/, 1],
    [/^book\/assignments\//, 0.7],
    [/^book\/(comparison|scoreboard|instructor|bibliography)$/, 0.6],
    [/^/, 0.3], // the library, the claims' tests, what is for those who change the book
  ];
  const IN_TITLE = 2; // all words in the title of the page
  const IN_HEADINGS = 1; // all words in headings of the page
  const IS_HEADING = 1.5; // the words are a heading: this place on the page
  const PHRASE = 2; // the words often stand one after the other
  const OFTEN = 3; // so many times on a page is half of what counting can give
  const LEAST = 0.6; // pages of this weight that have the words come before the others,
  const BEFORE = 10; // by this much
  const CODE_NAME = /[._]|[a-z][A-Z]/; // a name of the library

  const pageWeight = (name) => PAGE_WEIGHTS.find(([pattern]) => pattern.test(name))[1];

  const pagesOf = (table, word) => (Object.hasOwn(table, word) ? [table[word]].flat() : []);

  const share = (page, text) => {
    const index = Search._index;
    const counted = Object.hasOwn(index.counts, text) ? index.counts[text] : [];
    const found = counted.find(([number]) => number === page);
    const times = found ? found[1] : pagesOf(index.terms, text).includes(page) ? 1 : 0;
    return times / (times + OFTEN);
  };

  const mean = (numbers) => numbers.reduce((all, one) => all + one, 0) / Math.max(numbers.length, 1);

  const pageScore = (page, words) => {
    const { titles, titleterms } = Search._index;
    const title = stemsOf(titles[page]);
    const inHeadings = (word) => pagesOf(titleterms, word).includes(page);
    const pairs = words.slice(1).map((word, before) => `${words[before]} ${word}`);
    return (
      mean(words.map((word) => share(page, word))) +
      PHRASE * mean(pairs.map((pair) => share(page, pair))) +
      (words.every((word) => title.has(word)) ? IN_TITLE : 0) +
      (words.every(inHeadings) ? IN_HEADINGS : 0)
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
      const named = description !== null && title.split(".").pop() === query.split(".").pop();
      if (named && CODE_NAME.test(query)) return 100;
      const heading = title.split(" > ").pop().toLowerCase() === query.toLowerCase().trim();
      // A place on a page comes just after the page; what Sphinx found breaks ties.
      const place = anchor ? (heading && description === null ? IS_HEADING : -0.02) : 0;
      const weight = pageWeight(docname);
      const score = pageScore(page, words);
      const first = weight >= LEAST && score > 0 ? BEFORE : 0;
      return first + weight * (score + place) + found / 1e5;
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
