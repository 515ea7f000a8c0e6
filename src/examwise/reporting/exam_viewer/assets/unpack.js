"use strict";
// Providers of exams, and the unpacking of what they give (see payload.py and packing.py).
globalThis.ExamViewer = {};

((viewer) => {
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  const inflate = async (text) => {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser is too old to unpack the exams.");
    }
    const stream = new Blob([bytesOf(text)]).stream();
    const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(inflated).arrayBuffer());
  };

  // Undo the prediction of each pixel by the mean of its neighbours to the left and above.
  const unpredict = (levels, rows, columns) => {
    const size = rows * columns;
    for (let at = 0; at < levels.length; at += 1) {
      const inSlice = at % size;
      const left = inSlice % columns === 0 ? 0 : levels[at - 1];
      const above = inSlice < columns ? 0 : levels[at - columns];
      levels[at] = (levels[at] + ((left + above) >> 1)) & 255;
    }
    return levels;
  };

  const unpackPixels = async (record) => {
    const { rows, columns, pixels } = record;
    const levels = unpredict(await inflate(pixels.data), rows, columns);
    const table = Int16Array.from(pixels.levels);
    const size = rows * columns;
    return record.numbers.map((_, place) =>
      Int16Array.from(levels.subarray(place * size, (place + 1) * size), (level) => table[level]));
  };

  const unpackBits = (bytes, size, which) => {
    const start = which * Math.ceil(size / 8);
    return Uint8Array.from({ length: size }, (_, at) => (bytes[start + (at >> 3)] >> (7 - (at & 7))) & 1);
  };

  const byPlace = (places, make) => new Map(places.map((place, which) => [place, make(which)]));

  // An exam ready to be shown: `slice(place)` promises HU, masks and maps lie by place.
  const openExam = async (record, fetchSlice) => {
    const size = record.rows * record.columns;
    const maps = await Promise.all(record.maps.map(async (one) => {
      const levels = await inflate(one.levels);
      const each = one.rows * one.columns;
      return { ...one, levels: byPlace(one.places, (which) => levels.subarray(which * each, (which + 1) * each)) };
    }));
    let masks = null;
    if (record.masks) {
      const bits = await inflate(record.masks.bits);
      masks = {
        inside: byPlace(record.masks.places, (which) => unpackBits(bits, size, which)),
        drawn: new Set(record.masks.drawn),
      };
    }
    let slice = fetchSlice;
    if (record.pixels) {
      const slices = await unpackPixels(record);
      slice = async (place) => slices[place];
    }
    return { ...record, pixels: null, maps, masks, slice };
  };

  // Exams that stand in the page itself.
  const embeddedProvider = (root) => {
    const find = (id) => [...root.querySelectorAll("script[data-exam]")].find((one) => one.dataset.exam === id);
    return {
      list: async () => JSON.parse(root.querySelector("script[data-exam-list]").textContent),
      exam: async (id) => openExam(JSON.parse(find(id).textContent)),
    };
  };

  // Exams of a server, which gives slices one by one.
  const served = 48;
  const httpProvider = (base, headers) => {
    const ask = async (path) => {
      const answer = await fetch(base + path, { headers, credentials: "same-origin" });
      if (!answer.ok) {
        throw new Error(answer.status === 403 ? "This page is no longer allowed in." : `The server answered ${answer.status}.`);
      }
      return answer;
    };
    const exam = async (id) => {
      const path = `exams/${encodeURIComponent(id)}`;
      const record = await (await ask(path)).json();
      const kept = new Map();
      const get = (place) => {
        if (!kept.has(place)) {
          const wanted = ask(`${path}/slices/${record.numbers[place] - 1}`)
            .then((answer) => answer.arrayBuffer())
            .then((buffer) => new Int16Array(buffer));
          kept.set(place, wanted);
          wanted.catch(() => kept.delete(place));
          if (kept.size > served) kept.delete(kept.keys().next().value);
        }
        return kept.get(place);
      };
      const slice = (place) => {
        const found = get(place);
        const beside = [place + 1, place - 1].filter((other) => other >= 0 && other < record.numbers.length);
        found.then(() => beside.forEach((other) => get(other).catch(() => {})), () => {});
        return found;
      };
      return openExam(record, slice);
    };
    return { list: async () => (await ask("exams")).json(), exam };
  };

  Object.assign(viewer, { unpredict, unpackBits, openExam, embeddedProvider, httpProvider });
})(globalThis.ExamViewer);
