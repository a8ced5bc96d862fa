/* SPDX-License-Identifier: MIT */

/*
 * Figures drawn with WebGL (by the processor here, but through the same code)
 * and long series in as many points as a screen has.
 */
import assert from "node:assert/strict";
import { until } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* What WebGL is without a graphics card. */
const GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

async function open(scene) {
  const server = await scene.start({ app: "gl_parts", threads: 2 });
  const visitor = await Visitor.open(await launch(scene, GL), server);

  await visitor.visit();
  return visitor;
}

/* plotly's own words where it cannot draw, for whatever reason. */
const REFUSAL = "WebGL is not supported";

/*
 * What a graph shows to a human: how many colours, and how many points of
 * plotly's first one. (What the canvas itself holds is gone after each frame.)
 */
async function painted(visitor, id) {
  const picture = await visitor.page.locator(`#${id} .plot-container`).screenshot();

  return visitor.page.evaluate(async (base64) => {
    const image = new Image();

    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {
      ...{ width: image.width, height: image.height },
    });
    const context = canvas.getContext("2d");

    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const colours = new Set();
    let blue = 0;

    for (let i = 0; i < data.length; i += 4) {
      const [red, green] = [data[i], data[i + 1]];

      colours.add((red << 16) | (green << 8) | data[i + 2]);
      if (Math.abs(red - 31) < 20 && Math.abs(green - 119) < 20) blue++;
    }
    return { colours: colours.size, blue };
  }, picture.toString("base64"));
}

/* More than a frame, a title and that refusal would. */
const PAINTED = {
  scattergl: ({ blue }) => blue > 1500,
  surface: ({ colours }) => colours > 1000,
  scatter3d: ({ blue }) => blue > 800,
};

inBothModes("scattergl, surface and scatter3d", { seconds: 240 }, async (t, scene) => {
  const visitor = await open(scene);
  const { page } = visitor;
  const gl = await page.evaluate(() => {
    const context = document.createElement("canvas").getContext("webgl");

    return context?.getParameter(context.VERSION) ?? null;
  });

  assert.match(gl, /WebGL/);
  for (const id of ["scattergl", "surface", "scatter3d"]) {
    await page.locator(`#${id} canvas`).first().waitFor({ state: "attached", timeout: 90000 });
    await page.waitForFunction(
      ([name]) => document.querySelector(`#${name} .js-plotly-plot`)?.calcdata?.length === 1,
      [id],
    );
  }
  const full = await page.evaluate(() => {
    const of = (id) => document.querySelector(`#${id} .js-plotly-plot`)._fullData[0];

    return {
      scattergl: [of("scattergl").type, of("scattergl").y.length],
      surface: [of("surface").type, of("surface").z.length, of("surface").z[0].length],
      scatter3d: [of("scatter3d").type, of("scatter3d").z.length, of("scatter3d").visible],
    };
  });

  assert.deepEqual(full, {
    scattergl: ["scattergl", 20000],
    surface: ["surface", 20, 30],
    scatter3d: ["scatter3d", 100, true],
  });
  for (const [id, good] of Object.entries(PAINTED)) {
    let seen;

    await until(`${id} to be painted`, async () => good((seen = await painted(visitor, id)))).catch(
      (error) => {
        throw new Error(`${error.message}: ${JSON.stringify(seen)} ${visitor.complaints}`);
      },
    );
    t.diagnostic(`${id}: ${JSON.stringify(seen)}`);
  }
  assert.equal((await page.content()).includes(REFUSAL), false);
  assert.deepEqual(
    visitor.complaints.filter((text) => !/GL Driver Message|GPU stall|willReadFrequently/.test(text)),
    [],
  );
});

const series = ({ page }) =>
  page.evaluate(() => {
    const data = document.querySelector("#long .js-plotly-plot")?._fullData?.[0];
    const x = [...(data?.x ?? [])];
    const y = [...(data?.y ?? [])];

    return { count: x.length, first: x[0], last: x.at(-1), top: Math.max(...y), ordered: x.every((v, i) => i === 0 || v >= x[i - 1]) };
  });

inBothModes("a million points, as many as are seen", { seconds: 240 }, async (t, scene) => {
  const visitor = await open(scene);
  const { page } = visitor;
  const settles = async (what, good) => {
    let seen;

    await until(what, async () => good((seen = await series(visitor)))).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    });
    return seen;
  };
  const whole = await settles("800 points", ({ count }) => count === 800);

  assert.deepEqual([whole.first, whole.last, whole.ordered], [0, 999999, true]);
  /* Every spike is among the least and the greatest of each bucket. */
  await visitor.forge("how", { data: { spikes: true } });
  const spiky = await settles("the spike", ({ top }) => top > 49);

  assert.ok(spiky.count <= 802 && spiky.count > 700, `${spiky.count}`);
  assert.equal(spiky.ordered, true);
  /* Zoomed in, other points of the same series come; as a hand does, until
   * the graph, which may be drawing still, has taken it. */
  const zoom = async (from, to, good) =>
    settles(`${from} to ${to}`, (seen) => {
      if (good(seen)) return true;
      return page
        .evaluate(
          ([low, high]) =>
            window.Plotly.relayout(document.querySelector("#long .js-plotly-plot"), {
              "xaxis.range[0]": low,
              "xaxis.range[1]": high,
            }),
          [from, to],
        )
        .then(() => page.waitForTimeout(1500))
        .then(() => false);
    });
  const near = await zoom(654000, 655000, ({ first, last }) => first >= 654000 && last <= 655000);

  assert.ok(near.count > 700 && near.top > 49, JSON.stringify(near));
  /* Fewer than there is room for: all of them. */
  await zoom(654300, 654400, ({ count, first }) => count === 100 && first === 654300);
  assert.equal((await page.content()).includes(REFUSAL), false);
});
