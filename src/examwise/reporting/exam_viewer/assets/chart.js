"use strict";
// The bars of slice probabilities and attention with the true slices beneath: a slider of slices.
((viewer) => {
  const TRUTH = new Map([[1, "positive"], [0, "negative"]]);

  const element = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text) made.textContent = text;
    return made;
  };

  // Numbers and a class of our own, nothing that came from outside: markup is safe here.
  const bars = (n, heights, className) => {
    const drawn = heights.map((height, place) =>
      (height === null ? "" : `<rect x="${place + 0.08}" y="${100 - height}" width="0.84" height="${height}"/>`));
    const holder = document.createElement("template");
    holder.innerHTML = `<svg viewBox="0 0 ${n} 100" preserveAspectRatio="none" class="${className}">${drawn.join("")}</svg>`;
    return holder.content.firstChild;
  };

  const truthWord = (label) => TRUTH.get(label) || "not labelled";

  const row = (name, svg) => {
    const made = element("div", { class: "viewer-track" });
    made.append(element("span", { class: "viewer-track-name" }, name), svg);
    return made;
  };

  // Fill `host`, a slider, with the rows of an exam; `go(place)` is called where it is pressed.
  const drawChart = (host, exam, learners, go) => {
    const n = exam.numbers.length;
    const rows = exam.tracks.map((track) => {
      const learner = learners[track.learner];
      const heights = track.values.map((value) => Math.min(100, (100 * value) / track.full));
      const series = `viewer-bars viewer-series-${learner.series % 6}`;
      return row(`${learner.name}: ${track.name}`, bars(n, heights, series));
    });
    const isPositive = exam.truth.map((label) => (label === 1 ? 100 : label === 0 ? 12 : null));
    rows.push(row("Truth", bars(n, isPositive, "viewer-bars viewer-truth")));
    if (exam.maps.length) {
      const mapped = new Set(exam.maps.flatMap((one) => one.places));
      const heights = exam.numbers.map((_, place) => (mapped.has(place) ? 100 : null));
      rows.push(row("Has a map", bars(n, heights, "viewer-bars viewer-mapped")));
    }
    const cursor = element("div", { class: "viewer-cursor" });
    const plot = element("div", { class: "viewer-plot", "aria-hidden": "true" });
    plot.append(...rows, cursor);
    host.replaceChildren(plot);
    host.setAttribute("aria-valuemin", "1");
    host.setAttribute("aria-valuemax", String(exam.n_slices));

    const placeAt = (event) => {
      const box = plot.querySelector("svg").getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      return Math.min(n - 1, Math.max(0, Math.floor(share * n)));
    };
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      plot.setPointerCapture(event.pointerId);
      go(placeAt(event));
    });
    plot.addEventListener("pointermove", (event) => {
      if (plot.hasPointerCapture(event.pointerId)) go(placeAt(event));
    });
    return (place, words) => {
      cursor.style.setProperty("--place", String((place + 0.5) / n));
      cursor.style.setProperty("--share", String(1 / n));
      host.setAttribute("aria-valuenow", String(exam.numbers[place]));
      host.setAttribute("aria-valuetext", words);
    };
  };

  Object.assign(viewer, { element, truthWord, drawChart });
})(globalThis.ExamViewer);
