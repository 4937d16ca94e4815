// Light and dark: the device's scheme, or what the user chose. Charts read their colours from here.

const probe = document.createElement("i"); // a token is light-dark(…) until something is coloured with it
probe.hidden = true;
document.documentElement.append(probe);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The scheme in force: "light" or "dark". */
export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

/** Choose the other scheme; the choice is kept in a cookie, so that the server sends the page in it. */
export function switchTheme() {
  const chosen = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  document.cookie = `heliograph_theme=${chosen}; path=/; max-age=31536000; samesite=lax`;
  announce();
}

/** Call `changed` whenever the scheme changes. */
export function onTheme(changed) {
  document.addEventListener("heliograph:theme", () => changed(theme()));
}

/** The value, in the scheme in force, of a colour token of styles/tokens.css: color("sun"). */
export function color(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

function announce() {
  document.dispatchEvent(new CustomEvent("heliograph:theme"));
}

dark.addEventListener("change", announce);
