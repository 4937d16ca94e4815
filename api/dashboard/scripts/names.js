// Names of what has only an id.

/** A project's name: its id, made readable. */
export function projectName(id) {
  const words = id.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a token is: project and year. */
export function tokenName({ project_id: project, vintage }) {
  return `${projectName(project)} · ${vintage}`;
}
