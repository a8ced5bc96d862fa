/* SPDX-License-Identifier: MIT */

/*
 * Component properties, as the npm bundles themselves declare them.
 *
 * Every bundle checks its properties with the prop-types library, which it
 * takes from window.PropTypes. So we run the bundles in a node vm with a
 * PropTypes whose checkers do not check but remember how they were made, and
 * read each component's propTypes afterwards. Components written in TypeScript
 * have none in the bundle; for these the dcc package ships proptypes.js.
 *
 * A type is { kind, required, values?, of? }: kind is the name of the checker,
 * values belong to oneOf, of to the checkers that take other types.
 *
 * INVARIANT  Nothing in the vm can reach the outside: there is no require and
 *            no network, and the document below accepts all and does nothing.
 */

import vm from "node:vm";

const SIMPLE_KINDS = [
  "any",
  "array",
  "bool",
  "element",
  "elementType",
  "func",
  "node",
  "number",
  "object",
  "string",
  "symbol",
];
const COMPOSED_KINDS = [
  "arrayOf",
  "exact",
  "instanceOf",
  "objectOf",
  "oneOfType",
  "shape",
];

/*
 * What the name of a DOM class looks like. Bundles look at their prototypes or
 * extend them when they are loaded, and no list has them all.
 */
const DOM_CLASS = new RegExp(
  "^(?:(?:HTML|SVG|CSS|DOM|WebGL|XML)[A-Z]\\w*|(?:[A-Z]\\w*)?" +
    "(?:Element|Event|EventTarget|Node|NodeList|Collection|Observer|Document|" +
    "DocumentFragment|ShadowRoot|Registry|Animation|StyleSheet|TokenList|Touch))$",
);

/* A checker is a function, as some libraries call `typeof` on it. */
function checker(kind, details = {}) {
  const make = (required) =>
    Object.assign(() => null, { kind, required, ...details });

  return Object.assign(make(false), { isRequired: make(true) });
}

export function recordingPropTypes() {
  const types = {};

  for (const kind of SIMPLE_KINDS) types[kind] = checker(kind);
  for (const kind of COMPOSED_KINDS)
    types[kind] = (of) => checker(kind, { of });
  /* Some are written by a program that leaves quotes inside the quotes. */
  types.oneOf = (values) =>
    checker("oneOf", {
      values: values.map((value) =>
        typeof value === "string" ? value.replace(/^'(.*)'$/, "$1") : value,
      ),
    });
  return types;
}

/* A DOM element of which every method exists and gives null. */
function inertElement() {
  const known = {
    style: {},
    tagName: "SCRIPT",
    src: "http://localhost/bundle.js",
    getElementsByTagName: () => [],
  };

  return new Proxy(known, {
    get: (target, key) => (key in target ? target[key] : () => null),
  });
}

function inertDocument() {
  const element = inertElement();

  return {
    addEventListener() {},
    createElement: inertElement,
    createTextNode: inertElement,
    currentScript: element,
    documentElement: element,
    getElementsByTagName: () => [],
    head: element,
    querySelector: () => element,
  };
}

function newWindow() {
  const window = {
    PropTypes: recordingPropTypes(),
    ReactDOM: {},
    addEventListener() {},
    clearTimeout() {},
    console: { error() {}, log() {}, warn() {} },
    dash_clientside: {},
    document: inertDocument(),
    location: { href: "http://localhost/" },
    navigator: { userAgent: "" },
    setTimeout() {},
  };

  return window;
}

/* An object that has a class, always the same one, for each such name. */
function domClasses(base) {
  const made = new Map();
  const isClass = (key) => typeof key === "string" && DOM_CLASS.test(key);
  const make = (key) => {
    const inert = class {
      observe() {}
      disconnect() {}
    };

    made.set(key, inert);
    return inert;
  };

  return new Proxy(base, {
    has: (target, key) => isClass(key) || key in target,
    get: (target, key, receiver) =>
      isClass(key)
        ? (made.get(key) ?? make(key))
        : Reflect.get(target, key, receiver),
  });
}

/*
 * A context whose global object is its window. The classes are behind it, as
 * its prototype: a global object that is a Proxy itself hides the language's
 * own names, such as Array.
 */
function newContext() {
  const window = newWindow();
  const context = vm.createContext(window);
  const global = vm.runInContext("globalThis", context);
  const base = vm.runInContext("Object.prototype", context);

  window.window = global;
  window.self = global;
  Object.setPrototypeOf(global, domClasses(base));
  return { window, context };
}

function prepare(libraries) {
  const { window, context } = newContext();
  const run = ({ name, text }) =>
    vm.runInContext(text, context, { filename: name });

  libraries.forEach(run);
  window.dash_component_api = { DashContext: window.React.createContext({}) };
  return { window, run };
}

/* Does `script`, { name, text }, set window[namespace]? May throw, as it may. */
export function registersNamespace(libraries, namespace, script) {
  const { window, run } = prepare(libraries);

  run(script);
  return Object.hasOwn(window, namespace);
}

/*
 * Run the scripts and read the propTypes of every component.
 *
 * libraries   scripts that set React and regeneratorRuntime
 * bundles     [{ namespace, scripts }]; all scripts are { name, text }
 *
 * Returns Map(namespace -> Map(component -> Map(property -> type))), in the
 * order of the bundles. Throws an Error naming a component without propTypes;
 * with `skip` such a one is left out and given to that function.
 */
export function readBundleProps(libraries, bundles, skip) {
  const { window, run } = prepare(libraries);

  return new Map(
    bundles.map(({ namespace, scripts }) => {
      scripts.forEach(run);
      return [namespace, readNamespace(namespace, window[namespace], skip)];
    }),
  );
}

function readNamespace(namespace, components, skip) {
  return new Map(
    Object.entries(components ?? {})
      .filter(([name, component]) => {
        if (component?.propTypes !== undefined) return true;
        if (skip === undefined)
          throw new Error(`${namespace}.${name} declares no propTypes`);
        skip(name);
        return false;
      })
      .map(([name, { propTypes }]) => [
        name,
        new Map(Object.entries(propTypes)),
      ]),
  );
}
