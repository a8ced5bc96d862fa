/* SPDX-License-Identifier: MIT */

/*
 * What every page has beside the front end: a banner while the server cannot be
 * reached or has failed at something, figures that follow a dark page, and names
 * and roles for what the components give none, or wrong ones.
 *
 * It must be there before the front end and plotly.js are. It adds no data to
 * requests and answers. What fails because the server is away is held, and sent
 * again when it is back; see docs/decisions/0021.
 */
(function () {
  "use strict";

  /* ---- a banner ---------------------------------------------------------- */

  const AWAY =
    "The server cannot be reached. What you see may be old, and what you " +
    "change waits until it is back.";
  const FAILED =
    "The server could not do this. A part of the page may be old: try again, " +
    "or load the page anew.";
  const UPDATE = /(^|\/)_dash-(update-component|layout|dependencies)\b/;
  const LOOK_MS = 2000;
  const SILENCE_MS = 10000;

  const config = JSON.parse(
    document.getElementById("_dash-config")?.textContent ?? "{}",
  );
  const send = window.fetch;
  const failed = new Set(); /* outputs whose last answer was an error */
  const newest = new Map(); /* of each output, while it is on its way */
  const held = new Set(); /* what goes to requests that wait for the server */
  let looking = null; /* a look that is under way */
  let away = 0; /* timer of the next look; 0: the server is there */
  let leaving = false; /* requests that are cut off are no failures */
  let banner;

  function say() {
    const text = away ? AWAY : failed.size > 0 ? FAILED : "";

    document.documentElement.classList.toggle("ph-away", away !== 0);
    if (banner.firstChild.textContent === text) return;
    banner.firstChild.textContent = text;
    banner.classList.toggle("shown", text !== "");
    banner.lastChild.hidden = text !== FAILED;
  }

  const put = () => {
    banner = document.createElement("div");
    banner.className = "ph-banner";
    const words = document.createElement("span");
    const close = document.createElement("button");

    words.setAttribute("role", "alert");
    close.type = "button";
    close.textContent = "Close";
    close.hidden = true;
    close.addEventListener("click", () => {
      failed.clear();
      say();
    });
    banner.append(words, close);
    document.body.append(banner);
  };

  function isBack() {
    clearTimeout(away);
    away = 0;
    say();
    for (const wake of held) wake();
    held.clear();
  }

  async function isThere() {
    const url = `${config.requests_pathname_prefix ?? "/"}_favicon.ico`;

    try {
      const answer = await send(`${url}?${Date.now()}`, {
        cache: "no-store",
        method: "HEAD",
        signal: AbortSignal.timeout?.(SILENCE_MS),
      });

      return answer.status < 500;
    } catch {
      return false;
    }
  }

  /* Whether it is there; if not, looks go on until it is. One at a time,
   * however many requests fail. */
  function look() {
    looking ??= isThere().then((there) => {
      looking = null;
      if (there) {
        isBack();
      } else if (!leaving) {
        clearTimeout(away);
        away = setTimeout(look, LOOK_MS);
        say();
      }
      return there;
    });
    return looking;
  }

  const back = () => new Promise((wake) => held.add(wake));

  /* What is asked for. The layout and the callbacks are of the whole page. */
  function readRequest([resource, options]) {
    const url = String(resource?.url ?? resource);
    const request = { url, output: url, ours: UPDATE.test(url), again: true };

    if (!request.ours || !url.includes("_dash-update")) return request;
    try {
      const { output, outputs } = JSON.parse(options.body);

      request.output = output;
      /* Without outputs it is there for what it does, so never twice. */
      request.again = outputs !== undefined;
    } catch {
      request.again = false;
    }
    return request;
  }

  /* Newer ones are on their way: the front end waits for those alone. */
  const isOld = (request) =>
    request.again && newest.get(request.output) !== request;

  /* An answer with nothing in it. */
  const nothing = () => new Response(null, { status: 204 });

  function judge(request, isFailure) {
    if (isOld(request)) return;
    if (isFailure) failed.add(request.output);
    else failed.delete(request.output);
    say();
  }

  /* One try: its answer or error, and whether there may be no server. */
  async function attempt(args) {
    try {
      const answer = await send.apply(window, args);

      /* A server in front of it may have said so. */
      return { answer, lost: [502, 503, 504].includes(answer.status) };
    } catch (error) {
      return { error, lost: error?.name !== "AbortError" };
    }
  }

  async function carry(request, args) {
    let tries = 1;

    for (;;) {
      if (away && !leaving) {
        const wait = back();

        look();
        await wait;
        if (isOld(request)) return nothing();
      }
      const { answer, error, lost } = await attempt(args);

      if (!lost) {
        if (answer) isBack();
        if (answer) judge(request, answer.status >= 400);
      } else if (!leaving) {
        const there = await look();

        if (!there && !leaving && request.again && tries++ < 2) continue;
        judge(request, true);
      }
      if (error) throw error;
      return answer;
    }
  }

  async function watched(...args) {
    const request = readRequest(args);
    const { output } = request;

    if (!request.ours) return send.apply(window, args);
    newest.set(output, request);
    try {
      return await carry(request, args);
    } finally {
      if (newest.get(output) === request) newest.delete(output);
    }
  }

  /* In development the front end's own panel says more. */
  if (!config.ui) {
    put();
    window.fetch = watched;
    window.addEventListener("pagehide", () => (leaving = true));
    window.addEventListener("pageshow", () => {
      leaving = false;
      if (away) look();
    });
  }

  /* ---- figures on a dark page -------------------------------------------- */

  /* Of "rgb(1, 2, 3)"; without a colour the page is white. */
  function isDark(color) {
    const [r, g, b, a = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);

    return a > 0 && 0.299 * r + 0.587 * g + 0.114 * b < 96;
  }

  /* plotly.js's own colours, lighter, so that they stand out. */
  const WAY = [
    ...["#5aa9e6", "#ff9f45", "#6bc46d", "#f2777a", "#b492de"],
    ...["#c49a8c", "#ee9bd2", "#a9b1bd", "#cfcf5a", "#4fd0dc"],
  ];

  /* What a figure that has no template of its own gets; null: nothing. */
  function template() {
    const { backgroundColor, color } = getComputedStyle(document.body);

    if (!isDark(backgroundColor)) return null;
    const root = getComputedStyle(document.documentElement);
    const line = root.getPropertyValue("--ph-line").trim() || "#394252";
    const none = "rgba(0,0,0,0)";
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line };
    const flat = { ...axis, rangeselector: { bgcolor: line } };
    const solid = { ...axis, backgroundcolor: none, showbackground: true };
    const fill = { fill: { color: backgroundColor }, line: { color: line } };

    return {
      layout: {
        paper_bgcolor: none,
        plot_bgcolor: none,
        font: { color },
        colorway: WAY,
        xaxis: flat,
        yaxis: flat,
        scene: { xaxis: solid, yaxis: solid, zaxis: solid },
        polar: { bgcolor: none, angularaxis: axis, radialaxis: axis },
        ternary: { bgcolor: none, aaxis: axis, baxis: axis, caxis: axis },
        geo: { bgcolor: none, lakecolor: backgroundColor, landcolor: line },
        modebar: { bgcolor: none, color, activecolor: color },
        annotationdefaults: { arrowcolor: color },
        shapedefaults: { line: { color } },
        updatemenudefaults: { bgcolor: line, font: { color: backgroundColor } },
        sliderdefaults: { bgcolor: line, activebgcolor: color },
      },
      data: { table: [{ cells: fill, header: fill }] },
    };
  }

  const ours = new WeakSet(); /* templates that are from here */

  function dressed(layout) {
    const own = layout?.template;

    if (own && !ours.has(own)) return layout;
    const dark = template();

    if (!own && !dark) return layout;
    if (dark) ours.add(dark);
    return { ...layout, template: dark ?? undefined };
  }

  const withTemplate =
    (draw) =>
    (plot, data, layout, ...more) =>
      data && !Array.isArray(data) && data.data
        ? draw(plot, { ...data, layout: dressed(data.layout) }, layout, ...more)
        : draw(plot, data, dressed(layout), ...more);

  let plotly;

  Object.defineProperty(window, "Plotly", {
    configurable: true,
    get: () => plotly,
    set(library) {
      plotly = library;
      for (const name of ["newPlot", "react"])
        if (typeof library?.[name] === "function")
          library[name] = withTemplate(library[name]);
    },
  });

  /* The evening has come, or the morning. */
  window
    .matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () =>
      requestAnimationFrame(() => {
        for (const plot of document.querySelectorAll(".js-plotly-plot"))
          if (plot.layout) plotly.react(plot, plot.data, plot.layout);
      }),
    );

  /* ---- names and roles --------------------------------------------------- */

  /* What no property of its component gives a name has that of the label, or of
   * the group, it belongs to; its own text only says what is chosen. */
  function nameOf(part, otherwise) {
    const around = part.closest(
      ":is([role=group], [role=radiogroup]):is([aria-label], [aria-labelledby])",
    );
    const { id } = part.closest("[id]") ?? {};
    const texts = (ids) =>
      (ids ?? "").split(/\s+/).map((id) => id && document.getElementById(id)?.textContent);
    const names = [
      [...(part.labels ?? [])].map((label) => label.textContent),
      [id && document.querySelector(`label[for="${CSS.escape(id)}"]`)?.textContent],
      [part.getAttribute("aria-label")],
      [around?.getAttribute("aria-label")],
      texts(around?.getAttribute("aria-labelledby")),
      [part.closest("fieldset")?.querySelector("legend")?.textContent],
      texts(part.getAttribute("aria-labelledby")),
      [otherwise],
    ];

    for (const name of names) {
      const text = name.filter(Boolean).join(" ").replace(/\s+/g, " ").trim();

      if (text) return text;
    }
    return "Choices";
  }

  /* The list of a dcc.Dropdown is a dialog. */
  function giveName(opener) {
    const opened = document.getElementById(opener.getAttribute("aria-controls"));

    if (
      opened?.getAttribute("role") === "dialog" &&
      !opened.hasAttribute("aria-labelledby")
    )
      opened.setAttribute("aria-label", nameOf(opener, opener.textContent));
    return opened !== null;
  }

  const openerOf = (part) => {
    const { id } = part.closest("[role=dialog][id]") ?? {};

    return (id && document.querySelector(`[aria-controls="${CSS.escape(id)}"]`)) || part;
  };

  /* What a column of a DataTable is called in the last line of its head. */
  const columnName = (part, column) =>
    [
      ...(part
        .closest(".dash-spreadsheet-container")
        ?.querySelectorAll(`th[data-dash-column="${CSS.escape(column)}"] .column-header-name`) ??
        []),
    ].at(-1);

  /* The row and the column of a part of a DataTable. */
  function placeOf(part) {
    const cell = part.closest("td");
    const row = cell?.parentElement.querySelector("[data-dash-row]")?.dataset.dashRow;
    const column = cell?.dataset.dashColumn;
    const name = column !== undefined && columnName(cell, column)?.textContent;

    return `${name ? `${name}, row` : "Row"} ${Number(row ?? 0) + 1}`;
  }

  /* By what they are: the handle of a slider and the numbers beside it, a list of
   * boxes, the arrows that turn the pages of a DataTable, what is in its cells. */
  const NAMES = {
    '[role="slider"]': (part) => nameOf(part, "Value"),
    ".dash-range-slider-min-input": (part) => `${nameOf(part, "Value")}, least`,
    ".dash-range-slider-min-input ~ .dash-range-slider-input": (part) =>
      `${nameOf(part, "Value")}, most`,
    ".dash-range-slider-input": (part) => nameOf(part, "Value"),
    ".dash-options-list": (part) => nameOf(openerOf(part), openerOf(part).textContent),
    "td.dash-select-cell input": placeOf,
    "td.dash-cell .Select [role=combobox]": placeOf,
    "td.dash-cell input.dash-cell-value": placeOf,
    "input.current-page": () => "Page",
    "button.first-page": () => "First page",
    "button.previous-page": () => "Previous page",
    "button.next-page": () => "Next page",
    "button.last-page": () => "Last page",
  };
  const NAMELESS = Object.keys(NAMES)
    .map((what) => `${what}:not([aria-label], [aria-labelledby])`)
    .join();

  /* A list of boxes is drawn as a listbox, whose options must hold nothing to work
   * with. Eyes and the keyboard find boxes with labels: so shall everybody. */
  function beBox(label) {
    label.removeAttribute("role");
    label.removeAttribute("aria-selected"); /* drawn again with each choice */
  }

  const beGroup = (list) =>
    list.setAttribute(
      "role",
      list.querySelector('input[type="radio"]') ? "radiogroup" : "group",
    );

  /* The button of a dcc.Dropdown opens a dialog, and is called by what is chosen
   * alone: from here on by its label, too, in the order that is seen. */
  function beOpener(opener) {
    const name = nameOf(opener, "");
    const by = opener.getAttribute("aria-labelledby")?.split(" ").reverse();

    opener.setAttribute("aria-haspopup", "dialog");
    if (!opener.id || !by || name === opener.textContent.trim()) return;
    opener.setAttribute("aria-label", name);
    opener.setAttribute("aria-labelledby", [opener.id, ...by].join(" "));
  }

  let ids = 0;
  const idOf = (part) => (part.id ||= `ph-part-${(ids += 1)}`);

  /* A part in the head of a DataTable may come to be another column's: so the name
   * of the column is not copied. */
  function beCalled(part, what, name) {
    part.setAttribute("aria-label", what);
    part.setAttribute("aria-labelledby", `${idOf(part)} ${idOf(name)}`);
  }

  function beOfColumn(part) {
    const head = part.closest("th");
    const name = head && columnName(head, head.dataset.dashColumn);

    if (!name) return;
    if (part.matches(".column-header--select *")) beCalled(part, "Select", name);
    else if (part.matches(".dash-filter--case")) beCalled(part, "Case in the filter of", name);
    else beCalled(part, "Filter", name);
  }

  /* What the arrows and crosses there do can be done with a mouse only. */
  const ACTIONS = { sort: "Sort by", hide: "Hide", clear: "Clear", delete: "Delete", edit: "Rename" };

  function beButton(action) {
    const [, kind] = /column-header--(\w+)/.exec(action.className) ?? [];
    const name = action.closest("th")?.querySelector(".column-header-name");

    if (!ACTIONS[kind] || !name) return;
    action.tabIndex = 0;
    action.setAttribute("role", "button");
    beCalled(action, ACTIONS[kind], name);
  }

  /* "figs, plums" and "2 selected" are words of their own. */
  function beApart(count) {
    if (count.previousSibling instanceof HTMLElement) count.before(" ");
  }

  /* The Tab key stops at a hidden input beside that button, which gives the focus
   * away and is a stop again after each use; nothing is seen or said there. So
   * the button itself shall be the stop. */
  const STOP = ".dash-dropdown-focus-target:not([tabindex='-1'])";
  const beNoStop = (input) => {
    input.tabIndex = -1;
  };

  /* By what they are, as well. */
  const MENDS = {
    /* Of what is chosen in a DataTable's cell: an option outside of any list. */
    '.Select-value-label[role="option"]': beBox,
    ".column-actions > span:not([role])": beButton,
    "th .column-header--select input:not([aria-labelledby])": beOfColumn,
    "th.dash-filter input:not([aria-labelledby])": beOfColumn,
    '.dash-options-list-option[role="option"]': beBox,
    '.dash-options-list[role="listbox"]': beGroup,
    '.dash-dropdown[aria-haspopup="listbox"]': beOpener,
    ".dash-dropdown-value + .dash-dropdown-value-count": beApart,
    [STOP]: beNoStop,
    'button.dash-dropdown[tabindex="-1"]': (button) => {
      button.tabIndex = 0;
    },
  };

  /* A DataTable takes keys of its cells, Tab first, from its other parts as well:
   * whoever comes to its pager or filters does not get out again. They have to
   * be the browser's there; Enter in the page's number is the pager's. */
  const ACTION = ".column-actions > [role=button]";
  const PART = `a, button, [type=button], [type=checkbox], [type=radio], .current-page, ${ACTION}`;

  document.addEventListener(
    "keydown",
    (event) => {
      const part = event.target.closest?.(PART);

      const leaves = event.key === "Tab" && event.target.closest?.(".Select");

      if (
        (leaves || part)?.closest(".dash-table-container") &&
        !(event.key === "Enter" && part?.matches(".current-page"))
      )
        event.stopPropagation();
      if (part?.matches(ACTION) && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        part.click();
      }
    },
    { capture: true },
  );

  function mend() {
    for (const [what, how] of Object.entries(MENDS))
      document.querySelectorAll(what).forEach(how);
    for (const part of document.querySelectorAll(NAMELESS)) {
      const [, name] = Object.entries(NAMES).find(([what]) => part.matches(what));

      part.setAttribute("aria-label", name(part));
    }
  }

  /* Once for all that is put into the page together; a figure that is drawn
   * anew is SVG, and not looked at. */
  new MutationObserver((changes) => {
    if (
      changes.some(({ addedNodes }) =>
        [...addedNodes].some((node) => node instanceof HTMLElement),
      )
    )
      mend();
  }).observe(document.documentElement, { childList: true, subtree: true });

  /* Few attributes change: this costs a page nothing while it is used. What is
   * taken away here is a change, too, but one with nothing to take away. */
  new MutationObserver((changes) => {
    for (const { target } of changes)
      if (target.matches(".dash-options-list-option[aria-selected]")) beBox(target);
      else if (target.matches(STOP)) beNoStop(target);
      else if (target.matches(".Select [aria-owns]"))
        target.setAttribute("aria-controls", target.getAttribute("aria-owns"));
      else if (
        target.getAttribute("aria-expanded") === "true" &&
        target.hasAttribute("aria-controls") &&
        !giveName(target)
      )
        requestAnimationFrame(() => giveName(target));
  }).observe(document.documentElement, {
    attributeFilter: ["aria-expanded", "aria-selected", "tabindex"],
    subtree: true,
  });
})();
