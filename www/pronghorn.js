/* SPDX-License-Identifier: MIT */

/*
 * What every page has beside the front end: a banner while the server cannot be
 * reached or has failed at something, and figures that follow a dark page.
 *
 * It must be there before the front end and plotly.js are. It adds no data to
 * requests and answers, and sends nothing but a look for the server while that
 * is away.
 */
(function () {
  "use strict";

  /* ---- a banner ---------------------------------------------------------- */

  const AWAY =
    "The server cannot be reached. What you see may be old, and what you " +
    "change is not done until this message goes.";
  const FAILED =
    "The server could not do this. A part of the page may be old: try again, " +
    "or load the page anew.";
  const UPDATE = /(^|\/)_dash-(update-component|layout|dependencies)\b/;
  const LOOK_MS = 2000;

  const config = JSON.parse(
    document.getElementById("_dash-config")?.textContent ?? "{}",
  );
  const send = window.fetch;
  const failed = new Set(); /* outputs whose last answer was an error */
  const unsure = new Set(); /* those that wait for a look */
  let looking = false;
  let away = 0; /* timer of the next look; 0: the server is there */
  let leaving = false; /* requests that are cut off are no failures */
  let banner;

  function say() {
    const text = away ? AWAY : failed.size > 0 ? FAILED : "";

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
  }

  async function isThere() {
    const url = `${config.requests_pathname_prefix ?? "/"}_favicon.ico`;

    try {
      const answer = await send(`${url}?${Date.now()}`, {
        cache: "no-store",
        method: "HEAD",
      });

      return answer.status < 500;
    } catch {
      return false;
    }
  }

  /* Until it is there. One look at a time, however many requests fail. */
  async function look() {
    const there = await isThere();

    looking = false;
    if (there) {
      for (const output of unsure) failed.add(output);
      unsure.clear();
      isBack();
    } else if (!leaving) {
      unsure.clear(); /* this is said of the whole page */
      clearTimeout(away);
      away = setTimeout(look, LOOK_MS);
      say();
    }
  }

  /* The server is away, or it was this one request that failed. */
  function doubt(output) {
    if (leaving || away) return;
    unsure.add(output);
    if (!looking) look();
    looking = true;
  }

  /* What an update is for; its layout and callbacks are for the whole page. */
  function outputOf(url, options) {
    try {
      return JSON.parse(options.body).output ?? url;
    } catch {
      return url;
    }
  }

  async function watched(...args) {
    const [resource, options] = args;
    const url = String(resource?.url ?? resource);

    if (!UPDATE.test(url)) return send.apply(window, args);
    const output = outputOf(url, options);

    try {
      const answer = await send.apply(window, args);

      if (answer.status < 400) {
        failed.delete(output);
        isBack();
      } else if ([502, 503, 504].includes(answer.status)) {
        doubt(output); /* a server in front of it may have said so */
      } else {
        failed.add(output);
        isBack();
      }
      return answer;
    } catch (error) {
      if (error?.name !== "AbortError") doubt(output);
      throw error;
    }
  }

  /* In development the front end's own panel says more. */
  if (!config.ui) {
    put();
    window.fetch = watched;
    window.addEventListener("pagehide", () => (leaving = true));
    window.addEventListener("pageshow", () => (leaving = false));
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
    const dark = own && !ours.has(own) ? null : template();

    if (own && !ours.has(own)) return layout;
    if (dark) ours.add(dark);
    if (!own && !dark) return layout;
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
})();
