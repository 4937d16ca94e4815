// Makes elements without markup: text goes in as text, so that nothing a server answers can become markup.

/**
 * Return a new element.
 * @param {string} name "div", or with classes "div.card.wide"
 * @param {object} attributes attributes by name; a function is an event listener (onclick), null or false leaves one out,
 *     `style` is an object of CSS properties (set through the CSSOM, as the content security policy asks)
 * @param {...(Node|string|number|null|undefined|Array)} children what stands in it
 */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = SVG_TAGS.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  if (classes.length) made.setAttribute("class", classes.join(" "));
  for (const [key, given] of Object.entries(attributes)) {
    if (given === null || given === undefined || given === false) continue;
    if (typeof given === "function") made.addEventListener(key.replace(/^on/, ""), given);
    else if (key === "style") for (const [property, text] of Object.entries(given)) made.style.setProperty(property, text);
    else made.setAttribute(key, given === true ? "" : given);
  }
  made.append(...flat(children));
  return made;
}

const SVG_TAGS = new Set(["svg", "path", "line", "rect", "circle", "g", "polyline"]);

/** Put `children` into `place` instead of what was there; null and undefined are left out. */
export function fill(place, ...children) {
  place.replaceChildren(...flat(children));
  return place;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).map(
    (child) => (child instanceof Node ? child : String(child)),
  );
}

/** Text that comes from the server or the chain and has no translation: ids, hashes, names. Screen readers get its own language. */
export function datum(text, attributes = {}) {
  return el("span.datum", { translate: "no", ...attributes }, text);
}

/** A long hexadecimal number: its ends are shown, the whole is the title and what is copied. */
export function shortened(text, head = 6, tail = 4) {
  const whole = String(text);
  const shown = whole.length > head + tail + 1 ? `${whole.slice(0, head)}…${whole.slice(-tail)}` : whole;
  return el("span.hex", { title: whole, translate: "no" }, shown);
}

/**
 * Set the text of an element and let it glow for a moment if it is another than before: motion only where something happened.
 * @param {Element} place the element
 * @param {...(Node|string)} children its new content
 */
export function update(place, ...children) {
  const before = place.textContent;
  fill(place, ...children);
  if (before !== "" && before !== place.textContent) {
    place.classList.remove("changed");
    void place.getBoundingClientRect();
    place.classList.add("changed");
  }
  return place;
}
