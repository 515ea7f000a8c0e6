"use strict";
// The list of exams: filtered, sorted, and walked through by keyboard with a roving focus.
((viewer) => {
  const { element } = viewer;
  const AT_ONCE = 200;
  const MARKS = new Map([[1, "▲"], [0, "·"]]);
  const TRUTHS = new Map([[1, "positive"], [0, "negative"]]);
  const OVERLAYS = [["boxes", "With boxes"], ["masks", "With masks"], ["maps", "With maps"]];

  const option = (value, text) => element("option", { value }, text);

  const percent = (value) => (value === null ? "–" : value.toFixed(2));

  // Which exams stand in the list, in which order; pure, so that it can be tried alone.
  const arrange = (exams, { kind, archive, sort }) => {
    const kept = exams.filter((exam) =>
      (!archive || exam.archive === archive) &&
      (!kind || exam.kinds.includes(kind) || exam.overlays.includes(kind)));
    const said = (exam, learner) => exam.probabilities[learner] ?? -1;
    const [key, learner] = sort.split("-");
    if (key === "highest") kept.sort((a, b) => said(b, learner) - said(a, learner));
    if (key === "name") kept.sort((a, b) => (a.exam_id < b.exam_id ? -1 : 1));
    if (key === "longest") kept.sort((a, b) => b.n_slices - a.n_slices);
    return kept;
  };

  const describe = (exam, list) => {
    const kinds = exam.kinds
      .map((kind) => list.kinds[kind])
      .map((words, place) => (place ? words[0].toLowerCase() + words.slice(1) : words))
      .join(", ");
    const said = list.learners.map((learner, place) => `${learner.name} ${percent(exam.probabilities[place])}`);
    return { title: kinds || "Exam", said: said.join(" · "), truth: TRUTHS.get(exam.truth) || "not labelled" };
  };

  const makeList = (root, list, open) => {
    const host = root.querySelector("[data-exams]");
    const more = root.querySelector("[data-more]");
    const count = root.querySelector("[data-count]");
    const [kind, archive, sort] = ["kind", "archive", "sort"].map((name) => root.querySelector(`[data-${name}]`));
    let shown = [];
    let n = AT_ONCE;
    let current = "";

    const archives = [...new Set(list.exams.map((exam) => exam.archive))].sort();
    const offered = (code) => list.exams.some((exam) => exam.kinds.includes(code) || exam.overlays.includes(code));
    kind.append(option("", "All kinds"), ...[...Object.entries(list.kinds), ...OVERLAYS]
      .filter(([code]) => offered(code)).map(([code, words]) => option(code, words)));
    archive.append(option("", "All archives"), ...archives.map((name) => option(name, name)));
    archive.closest("label").hidden = archives.length < 2;
    if (list.learners.length) sort.append(option("interest", "Most interesting"));
    list.learners.forEach((learner, place) => sort.append(option(`highest-${place}`, `Highest by ${learner.name}`)));
    sort.append(option("name", "Pseudonym"), option("longest", "Most slices"));

    const item = (exam) => {
      const { title, said, truth } = describe(exam, list);
      const made = element("li", { role: "option", tabindex: "-1", "data-id": exam.id, "aria-selected": "false" });
      const mark = element("span", { class: `viewer-mark viewer-mark-${exam.truth}`, "aria-hidden": "true" }, MARKS.get(exam.truth) || "?");
      const text = element("span", { class: "viewer-item" });
      text.append(element("strong", {}, title), element("span", {}, said || `${exam.n_slices} slices`));
      const where = archives.length > 1 ? `${exam.exam_id.slice(0, 10)} · ${exam.archive}` : exam.exam_id.slice(0, 10);
      text.append(element("small", {}, where));
      made.append(mark, text, element("span", { class: "viewer-hidden" }, `, truth ${truth}, exam ${exam.exam_id}`));
      return made;
    };

    const mark = () => {
      const items = [...host.children];
      const chosen = items.find((one) => one.dataset.id === current);
      items.forEach((one) => {
        one.setAttribute("aria-selected", String(one === chosen));
        one.tabIndex = -1;
      });
      const reachable = chosen || items[0];
      if (reachable) reachable.tabIndex = 0;
      return chosen;
    };

    const draw = () => {
      shown = arrange(list.exams, { kind: kind.value, archive: archive.value, sort: sort.value });
      host.replaceChildren(...shown.slice(0, n).map(item));
      more.hidden = shown.length <= n;
      count.textContent = `${shown.length.toLocaleString("en")} of ${list.exams.length.toLocaleString("en")} exams`;
      mark();
    };

    const choose = (id, focus) => {
      const place = shown.findIndex((exam) => exam.id === id);
      if (place >= n) {
        n = place + AT_ONCE;
        draw();
      }
      current = id;
      const chosen = mark();
      if (chosen) {
        // Only the list scrolls: the page stays where the reader is.
        const [top, bottom] = [chosen.offsetTop, chosen.offsetTop + chosen.offsetHeight];
        if (top < host.scrollTop) host.scrollTop = top;
        if (bottom > host.scrollTop + host.clientHeight) host.scrollTop = bottom - host.clientHeight;
        if (focus) chosen.focus({ preventScroll: true });
      }
      open(id);
    };

    const step = (by, focus) => {
      if (!shown.length) return;
      const at = shown.findIndex((exam) => exam.id === current);
      const to = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by));
      choose(shown[to].id, focus);
    };

    [kind, archive, sort].forEach((one) => one.addEventListener("change", () => {
      n = AT_ONCE;
      draw();
    }));
    more.addEventListener("click", () => {
      const next = n;
      n += AT_ONCE;
      draw();
      host.children[next]?.focus();
    });
    host.addEventListener("click", (event) => {
      const chosen = event.target.closest("li");
      if (chosen) choose(chosen.dataset.id, true);
    });
    const steps = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 10], ["PageUp", -10], ["Home", -1e9], ["End", 1e9]]);
    host.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !steps.has(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      step(steps.get(event.key), true);
    });
    draw();
    return { step, first: () => step(0, false) };
  };

  Object.assign(viewer, { arrange, describe, makeList });
})(globalThis.ExamViewer);
