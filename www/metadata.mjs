/* SPDX-License-Identifier: MIT */

/*
 * Component properties out of a metadata.json, which is what react-docgen says
 * of the sources and what Dash makes its Python classes from; and which of
 * them hold components, as the front end wants to know.
 *
 * A type is { kind, required, values?, of? }, as in bundle_props.mjs.
 */

const KINDS = {
  arrayOf: (type) => ({ kind: "arrayOf", of: convert(type.value) }),
  enum: (type) => ({ kind: "oneOf", values: literals(type.value) }),
  exact: (type) => ({ kind: "exact", of: convertAll(type.value) }),
  objectOf: (type) => ({ kind: "objectOf", of: convert(type.value) }),
  shape: (type) => ({ kind: "shape", of: convertAll(type.value) }),
  union: (type) => ({
    kind: "oneOfType",
    of: (Array.isArray(type.value) ? type.value : []).map(convert),
  }),
};

/* "'left'" -> "left"; what is computed stays as it is written. */
function literals(values) {
  if (!Array.isArray(values)) return [];
  return values.map(({ value }) => {
    const quoted = /^(['"])(.*)\1$/.exec(value);

    if (quoted) return quoted[2];
    try {
      return JSON.parse(value);
    } catch {
      return String(value);
    }
  });
}

function convert(type) {
  const make = KINDS[type?.name];

  return {
    required: type?.required === true,
    ...(make ? make(type) : { kind: type?.name ?? "any" }),
  };
}

function convertAll(members) {
  return Object.fromEntries(
    Object.entries(members ?? {}).map(([name, type]) => [name, convert(type)]),
  );
}

/*
 * Map(component -> { types: Map(property -> type), docs }), where docs is as
 * readComponentDocs() gives it, with `sentence` to shorten a description.
 */
export function readMetadata(text, sentence) {
  const components = new Map();

  for (const [file, about] of Object.entries(JSON.parse(text))) {
    const name = about.displayName || /([^/]+?)(\.react)?\.\w+$/.exec(file)[1];
    const props = Object.entries(about.props ?? {});

    components.set(name, {
      types: new Map(
        props.map(([property, { type, required }]) => [
          property,
          { ...convert(type), required: required === true },
        ]),
      ),
      docs: {
        summary: sentence(about.description ?? ""),
        members: new Map(
          props.map(([property, { description }]) => [
            property,
            { text: sentence(description ?? ""), required: false },
          ]),
        ),
      },
    });
  }
  return components;
}

const isNode = ({ kind }) => kind === "node" || kind === "element";

/* Where components stand below `at`: "items[].label", "parts{}". */
function nodesOf(type, at) {
  if (isNode(type)) return [at];
  switch (type.kind) {
    case "oneOfType":
      return type.of.flatMap((one) => nodesOf(one, at));
    case "arrayOf":
      return isNode(type.of) ? [at] : nodesOf(type.of, `${at}[]`);
    case "objectOf":
      return nodesOf(type.of, `${at}{}`);
    case "exact":
    case "shape":
      return Object.entries(type.of ?? {}).flatMap(([name, one]) =>
        nodesOf(one, `${at}.${name}`),
      );
    default:
      return [];
  }
}

/* Of one component, all but `children`, which the front end knows of. */
export function childrenProps(types) {
  const found = [...types]
    .filter(([property]) => property !== "children")
    .flatMap(([property, type]) => nodesOf(type, property));

  return [...new Set(found)];
}
