// Prose of the description as elements: paragraphs, lists, `code` and **bold**; nothing of it becomes markup.

import { el } from "./elements.js";

/** Return the elements of a text. */
export function prose(text) {
  return text.trim().split(/\n\s*\n/).map((block) => {
    const lines = block.split("\n");
    if (!/^\s*- /.test(lines[0])) return el("p.prose", {}, inline(lines.join(" ")));
    const items = [];
    for (const line of lines) {
      if (/^\s*- /.test(line)) items.push(line.replace(/^\s*- /, ""));
      else items[items.length - 1] += ` ${line.trim()}`;
    }
    return el("ul.prose", {}, items.map((item) => el("li", {}, inline(item))));
  });
}

/** Return the nodes of one line. */
export function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return el("strong", {}, inline(part.slice(2, -2)));
    return document.createTextNode(part);
  });
}
