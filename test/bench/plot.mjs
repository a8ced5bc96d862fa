/* SPDX-License-Identifier: MIT */

/*
 * Bars and lines of a run as SVG files. Scales are logarithmic where servers
 * differ by more than a few times.
 */
import fs from "node:fs";
import path from "node:path";
import { isOffered, number } from "./tables.mjs";

const COLOURS = ["#1b6ca8", "#d1495b", "#2e7d32", "#8e5ea2", "#b8860b", "#444"];
const escape = (text) =>
  String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
const text = (x, y, anchor, size, words) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escape(words)}</text>`;

/* `says`: the numbers in words, for who does not see the picture. */
function picture(width, height, title, says, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" fill="#222">`,
    `<desc>${escape(says)}</desc>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(width / 2, 24, "middle", 15, title),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/* rows: [{ name, value, min, max }], one bar each, on a logarithmic scale. */
function bars(title, unit, rows) {
  const width = 720;
  const left = 190;
  const room = width - left - 150;
  const values = rows.flatMap((row) => [row.min, row.max]).filter((v) => v > 0);
  const low = 10 ** (Math.floor(Math.log10(Math.min(...values))) - 0.5);
  const high = Math.max(...values);
  const place = (value) =>
    (Math.log10(Math.max(value, low) / low) / Math.log10(high / low)) * room;
  const parts = rows.flatMap((row, i) => {
    const y = 50 + i * 34;
    const end = left + place(row.value);

    return [
      text(left - 8, y + 16, "end", 12, row.name),
      `<rect x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="22" fill="${COLOURS[row.colour ?? 0]}"/>`,
      `<line x1="${(left + place(row.min)).toFixed(1)}" x2="${(left + place(row.max)).toFixed(1)}" y1="${y + 11}" y2="${y + 11}" stroke="#000"/>`,
      text(Math.max(end, left + place(row.max)) + 8, y + 16, "start", 12, `${number(row.value)} ${unit}`),
    ];
  });

  parts.push(
    text(left, 50 + rows.length * 34 + 16, "start", 11, "logarithmic scale; the thin line is from the least to the greatest run"),
  );
  const says = rows.map((row) => `${row.name} ${number(row.value)} ${unit}`);

  return picture(width, 50 + rows.length * 34 + 30, title, says.join("; "), parts);
}

const bar = (name, spread, colour) => ({
  name,
  value: spread.median,
  min: spread.min,
  max: spread.max,
  colour,
});

/* series: [{ name, points: [[x, y]], colour, dots }], both axes logarithmic. */
function lines(title, xLabel, yLabel, series) {
  const box = { left: 80, top: 60, width: 520, height: 280 };
  const xs = series.flatMap((one) => one.points.map((point) => point[0]));
  const ys = series.flatMap((one) => one.points.map((point) => point[1]));
  const bounds = (values) => [
    10 ** Math.floor(Math.log10(Math.min(...values))),
    10 ** Math.max(
      Math.floor(Math.log10(Math.min(...values))) + 1,
      Math.ceil(Math.log10(Math.max(...values)) - 1e-9),
    ),
  ];
  const [x0, x1] = bounds(xs);
  const [y0, y1] = bounds(ys);
  const px = (x) => box.left + (Math.log10(x / x0) / Math.log10(x1 / x0)) * box.width;
  const py = (y) =>
    box.top + box.height - (Math.log10(y / y0) / Math.log10(y1 / y0)) * box.height;
  const parts = [
    `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" fill="none" stroke="#888"/>`,
    text(box.left + box.width / 2, box.top + box.height + 38, "middle", 12, xLabel),
    text(box.left - 50, box.top - 10, "start", 12, yLabel),
  ];

  for (let x = x0; x <= x1 * 1.01; x *= 10)
    parts.push(text(px(x), box.top + box.height + 18, "middle", 11, x.toLocaleString("en-US")));
  for (let y = y0; y <= y1 * 1.01; y *= 10)
    parts.push(
      `<line x1="${box.left}" x2="${box.left + box.width}" y1="${py(y).toFixed(1)}" y2="${py(y).toFixed(1)}" stroke="#ddd"/>`,
      text(box.left - 6, py(y) + 4, "end", 11, y.toLocaleString("en-US")),
    );
  const firstDots = series.findIndex((one) => one.dots);

  series.forEach((one, i) => {
    const colour = COLOURS[(one.colour ?? i) % COLOURS.length];
    const path_ = one.points
      .map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`)
      .join(" ");

    parts.push(
      ...(one.dots
        ? one.points.map(([x, y]) =>
            `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="4" fill="#fff" stroke="${colour}" stroke-width="2"/>`)
        : [`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path_}"/>`]),
      /* One entry for all dots: their colours are those of the lines. */
      ...(!one.dots || i === firstDots
        ? [
            one.dots
              ? `<circle cx="${box.left + box.width + 18}" cy="${box.top + 10 + i * 18}" r="4" fill="#fff" stroke="#444" stroke-width="2"/>`
              : `<rect x="${box.left + box.width + 12}" y="${box.top + 8 + i * 18}" width="12" height="4" fill="${colour}"/>`,
            text(box.left + box.width + 30, box.top + 14 + i * 18, "start", 12, one.name),
          ]
        : []),
    );
  });
  const says = series
    .filter((one) => !one.dots)
    .map(({ name, points }) => {
      const at = ([x, y]) => `${number(y)} ${yLabel} with ${number(x)} ${xLabel}`;

      return `${name}: ${at(points[0])}, ${at(points.at(-1))}`;
    });

  return picture(740, 400, title, says.join("; "), parts);
}

function peerBars(results, part, key, title, unit) {
  const peers = Object.entries(results[part].peers).filter(([, p]) => p[key]);

  return bars(
    title,
    unit,
    peers.map(([name, peer]) => bar(name, peer[key], name === "pronghorn" ? 0 : 1)),
  );
}

function scaleLines(results, key, title, label) {
  const points = results.scale.points.filter((point) => point[key]);
  const workers = [...new Set(points.map((point) => point.workers))];
  const series = (offered) =>
    workers.map((count, colour) => ({
      name: offered ? "offered load" : `${count} ${count === 1 ? "worker" : "workers"}`,
      colour,
      dots: offered,
      points: points
        .filter((point) => point.workers === count && isOffered(point) === offered)
        .map((point) => [point.sessions, point[key].median]),
    }));

  return lines(
    title,
    "sessions",
    label,
    [...series(false), ...series(true)].filter((one) => one.points.length > 0),
  );
}

export function plotResults(results, folder) {
  const plots = {};

  if (results.warm) {
    plots["warm-callbacks"] = peerBars(results, "warm", "callbacks_per_s",
      "Warm: callbacks per second", "/s");
    plots["warm-p99"] = peerBars(results, "warm", "callback_p99_ms",
      "Warm: p99 of a callback", "ms");
    plots["warm-memory"] = peerBars(results, "warm", "pss_mb",
      "Warm: memory of all processes", "MB");
  }
  if (results.cold)
    plots["cold-everyone"] = peerBars(results, "cold", "everyone_s",
      "Cold: until everyone is served", "s");
  if (results.bytes)
    plots["bytes-cpu"] = bars("CPU time per request", "us",
      results.bytes.cases.map((one) =>
        bar(`${one.what}, ${one.server}`, one.cpu_us_per_request,
          one.server === "nginx" ? 1 : 0)));
  if (results.scale) {
    plots["scale-callbacks"] = scaleLines(results, "callbacks_per_s",
      "Callbacks per second", "per second");
    plots["scale-p99"] = scaleLines(results, "round_p99_ms",
      "p99 of a round (change to the last graph)", "ms");
  }
  for (const [name, svg] of Object.entries(plots))
    fs.writeFileSync(path.join(folder, `${name}.svg`), svg);
  return Object.keys(plots);
}
