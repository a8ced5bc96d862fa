/* SPDX-License-Identifier: MIT */

/*
 * The pictures in docs/screenshots against what the browser tests see: two
 * count as alike when they have one size and most of their cells have about
 * the same colour, so that times and numbers in them may differ, but not what
 * is where.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./harness.mjs";

const CELL = 20; /* pixels each way */
const FAR = 40; /* of 255, for the mean colour of a cell */
const MOST = 0.03; /* of all cells may be further away: 0.003 are at times */

/* In the browser: the share of cells that differ; 1: not the same size. */
async function difference([one, other, cell, far]) {
  const load = (source) =>
    new Promise((done, fail) => {
      const image = new Image();

      image.onload = () => done(image);
      image.onerror = () => fail(new Error("no picture"));
      image.src = source;
    });
  const cells = (image, width, height) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");

    canvas.width = width;
    canvas.height = height;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const [a, b] = await Promise.all([load(one), load(other)]);

  if (a.width !== b.width || a.height !== b.height) return 1;
  const width = Math.ceil(a.width / cell);
  const height = Math.ceil(a.height / cell);
  const [left, right] = [a, b].map((image) => cells(image, width, height));
  let differ = 0;

  for (let i = 0; i < left.length; i += 4) {
    const apart = [0, 1, 2].map((k) => Math.abs(left[i + k] - right[i + k]));

    differ += Math.max(...apart) > far;
  }
  return differ / (left.length / 4);
}

/* Fails when docs/screenshots has another picture of that name. */
export async function isUpToDate(context, name, picture) {
  const file = path.join(ROOT, "docs/screenshots", `${name}.png`);

  if (process.env.NEW_SCREENSHOTS || !fs.existsSync(file)) return;
  const page = await context.newPage(); /* a blank one has no policy */
  const sources = [picture, fs.readFileSync(file)].map(
    (bytes) => `data:image/png;base64,${bytes.toString("base64")}`,
  );

  try {
    const share = await page.evaluate(difference, [...sources, CELL, FAR]);

    assert.ok(
      share <= MOST,
      `docs/screenshots/${name}.png is out of date: make screenshots ` +
        `(${Math.round(100 * share)} % of it differ)`,
    );
  } finally {
    await page.close();
  }
}
