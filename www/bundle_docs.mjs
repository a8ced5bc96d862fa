/* SPDX-License-Identifier: MIT */

/*
 * One-sentence descriptions of components and properties, from the comments in
 * the original sources that the packages carry inside their source maps.
 *
 * This is no parser of JavaScript. It knows strings, comments and brackets,
 * which is enough to find the members of an object or interface, each with the
 * comment before it. What it does not find has no description; that is all.
 */

const MAX_SENTENCE = 180; /* characters */
const PROP_TYPES = /(?:\b\w+\.|\bconst )propTypes = \{/;

/* Tokens are comments, strings, single brackets and separators, and words. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|[\w$]+|[^\s\w$]/g;

/*
 * Members of the braces that open at `start`, with the comment before each:
 * Map(name -> { comment, optional }).
 */
function readBraces(text, start) {
  const members = new Map();
  const token = new RegExp(TOKEN);
  let depth = 0;
  let comment = "";
  let atKey = false;
  let match;

  token.lastIndex = start;
  while ((match = token.exec(text)) !== null) {
    const [word] = match;

    if (word.startsWith("/*")) {
      if (depth === 1) comment = word;
    } else if (word.startsWith("//")) {
      continue;
    } else if ("{[(".includes(word)) {
      depth++;
      atKey = depth === 1;
    } else if ("}])".includes(word)) {
      depth--;
      if (depth === 0) break;
    } else if (depth === 1 && (word === "," || word === ";")) {
      atKey = true;
    } else if (depth === 1 && atKey) {
      const colon = /^\s*(\?)?\s*:/.exec(text.slice(token.lastIndex));

      if (colon !== null) {
        const name = word.replace(/^(['"])(.*)\1$/, "$2");
        members.set(name, { comment, optional: colon[1] === "?" });
      }
      comment = "";
      atKey = false;
    }
  }
  return members;
}

/*
 * The text of the object that declares the propTypes of a component, braces
 * included; "" when there is none.
 */
export function propTypesText(sources, component) {
  const source = ownSource(sources, component);
  const found = PROP_TYPES.exec(source);

  if (found === null) return "";
  const start = found.index + found[0].length - 1;
  const token = new RegExp(TOKEN);
  let depth = 0;
  let match;

  token.lastIndex = start;
  while ((match = token.exec(source)) !== null) {
    if ("{[(".includes(match[0])) depth++;
    else if ("}])".includes(match[0]) && --depth === 0)
      return source.slice(start, token.lastIndex);
  }
  return "";
}

/* A source file declares the propTypes of one component. */
function readPropTypes(source) {
  const found = PROP_TYPES.exec(source);

  if (found === null) return new Map();
  return readBraces(source, found.index + found[0].length - 1);
}

/* Members of a TypeScript interface or object type, inherited ones included. */
function readInterface(source, name) {
  const found = new RegExp(`\\b(interface|type) ${name}\\b`).exec(source);
  const members = new Map();

  if (found === null) return members;
  const open = source.indexOf("{", found.index);
  const head = source.slice(found.index + found[0].length, open);

  for (const [parent] of head.matchAll(/\b\w+Props\b/g))
    if (parent !== name)
      for (const [key, member] of readInterface(source, parent))
        members.set(key, member);
  for (const [key, member] of readBraces(source, open))
    members.set(key, member);
  return members;
}

/* The props interface of a component, whatever the case of its name. */
function interfaceOf(source, component) {
  return new RegExp(`\\b(?:interface|type) (${component}Props)\\b`, "i").exec(
    source,
  )?.[1];
}

/* The comment right before the definition of a component. */
function readComponentComment(source, component) {
  const definition = new RegExp(
    "(/\\*\\*(?:[^*]|\\*(?!/))*\\*/)\\s*" +
      "(?:export )?(?:default )?(?:abstract )?" +
      `(?:class|function|const) (?:Plotly)?${component}\\b`,
  );

  return definition.exec(source)?.[1] ?? "";
}

/*
 * First sentence of a comment, as plain ASCII on one line; "" if there is none.
 * Addresses are left out, and so is what would end a C comment.
 */
export function firstSentence(comment) {
  const paragraph = comment
    .replace(/^\/\*+|\*+\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, "").trim())
    .join("\n")
    .trim()
    .split(/(?<=:)\n|\n\s*\n/)[0]
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[\u2013\u2014]/g, "-")
    .replace(/[^\s\x20-\x7e]/g, "")
    .replace(/(?:\bSee )?\bhttps?:\/\/[\s\S]*$/, "")
    .replace(/\*\/|\/\*/g, "")
    .replace(/\s+/g, " ")
    .trim();
  const end = /(?<!\b(?:e\.g|i\.e|etc|vs))[.!?](?= [A-Z`(]|$)/.exec(paragraph);
  const sentence = end ? paragraph.slice(0, end.index + 1) : paragraph;

  if (sentence.length <= MAX_SENTENCE)
    return sentence.replace(/[\s:,;]+$/, "").replace(/([^.!?])$/, "$1.");
  return sentence.slice(0, MAX_SENTENCE).replace(/[\s,;:.(]*\S*$/, " ...");
}

/* Sources inside a source map, node_modules left out: Map(path -> text). */
export function readSourceMap(text) {
  const map = JSON.parse(text);

  return new Map(
    map.sources
      .map((name, i) => [name, map.sourcesContent[i]])
      .filter(([name, source]) => source && !name.includes("node_modules")),
  );
}

/* The source of a component is called like it. */
function ownSource(sources, component) {
  const isOwn = new RegExp(`/${component}(\\.react)?\\.(js|tsx)$`);

  return [...sources].find(([name]) => isOwn.test(name))?.[1] ?? "";
}

/*
 * Descriptions for one component out of all sources of its package.
 *
 * Returns { summary, members: Map(property -> { text, required }) }; required
 * is true where a TypeScript interface says so, which propTypes do not show.
 */
export function readComponentDocs(sources, component) {
  const own = ownSource(sources, component);
  const types = [...sources].find(([name]) => name.endsWith("/types.ts"))?.[1];
  let members = readPropTypes(own);
  let typed = false;

  if (members.size === 0 && types !== undefined) {
    const name = interfaceOf(types, component);

    members = name ? readInterface(types, name) : members;
    typed = true;
  }
  return {
    summary: firstSentence(readComponentComment(own, component)),
    members: new Map(
      [...members].map(([name, { comment, optional }]) => [
        name,
        { text: firstSentence(comment), required: typed && !optional },
      ]),
    ),
  };
}
