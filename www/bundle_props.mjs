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

/* Of these, bundles look at the prototype, or extend them. */
const DOM_CLASSES = [
  "CustomEvent",
  "Element",
  "Event",
  "HTMLElement",
  "IntersectionObserver",
  "MutationObserver",
  "Node",
  "ResizeObserver",
  "SVGElement",
];

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
    HTMLAnchorElement: class {},
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

  for (const name of DOM_CLASSES) window[name] ??= class InertClass {
      observe() {}
      disconnect() {}
    };
  window.window = window;
  window.self = window;
  return window;
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
  const window = newWindow();
  const context = vm.createContext(window);
  const run = ({ name, text }) =>
    vm.runInContext(text, context, { filename: name });

  libraries.forEach(run);
  window.dash_component_api = { DashContext: window.React.createContext({}) };
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
