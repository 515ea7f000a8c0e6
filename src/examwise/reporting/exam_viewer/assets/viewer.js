"use strict";
// The viewer: what is shown, and how wheel, keys, pointer and touch change it.
((viewer) => {
  const { element, truthWord } = viewer;
  const PRESETS = [["Brain", 40, 80], ["Subdural", 80, 200], ["Stroke", 40, 40], ["Soft tissue", 40, 350], ["Bone", 600, 2800]];
  const WIDEST = 4000;
  const WHEEL_PIXELS = 40;
  const PAGE_SCROLL_MS = 250;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const decimal = (value) => value.toFixed(2);

  const start = async (root, provider) => {
    const $ = (name) => root.querySelector(`[data-${name}]`);
    const [stage, picture, chart] = [$("stage"), $("picture"), $("chart")];
    const state = {
      exam: null, place: 0, hu: null, asked: 0, drawn: false, map: "", lastMap: "",
      boxes: true, masks: true, center: PRESETS[0][1], width: PRESETS[0][2], dragWindow: false,
    };
    let list = null;
    let moveCursor = () => {};

    const fail = (error) => {
      $("alert").textContent = error.message;
      $("alert").hidden = false;
    };

    const said = () => state.exam.tracks.map((track) =>
      `${list.learners[track.learner].name} ${track.name} ${decimal(track.values[state.place])}`);

    const words = () => {
      const { exam, place } = state;
      const number = `Slice ${exam.numbers[place]} of ${exam.n_slices}`;
      return [number, `truth ${truthWord(exam.truth[place])}`, ...said(), ...overWords()].join(" · ");
    };

    const boxesHere = () => state.exam.boxes.filter((box) => box.place === state.place);

    const overWords = () => {
      const { exam, place } = state;
      const over = [];
      const boxes = boxesHere().length;
      if (boxes) over.push(`${boxes} box${boxes > 1 ? "es" : ""}`);
      if (exam.masks) {
        const drawn = exam.masks.drawn.has(place) ? "no mask" : "not drawn on";
        over.push(exam.masks.inside.has(place) ? "mask" : drawn);
      }
      const map = chosenMap();
      if (map) over.push(map.levels.has(place) ? `map of ${map.name}` : `no map of ${map.name} here`);
      return over;
    };

    const chosenMap = () => state.exam.maps.find((one) => one.name === state.map) || null;

    const paint = () => {
      state.drawn = false;
      const { exam, hu, place } = state;
      if (!exam || !hu) return;
      const map = chosenMap();
      const pixels = map ? map.levels.get(place) : null;
      viewer.paint(picture, exam, hu, state, {
        map: pixels ? { pixels, rows: map.rows, columns: map.columns } : null,
        colours: list.colours,
        mask: state.masks && exam.masks ? exam.masks.inside.get(place) || null : null,
        boxes: state.boxes ? boxesHere() : [],
      });
      const described = words();
      picture.setAttribute("aria-label", `${described}; window ${state.center}/${state.width} HU.`);
      $("readout").textContent = described;
      $("corner-slice").textContent = `${exam.numbers[place]} / ${exam.n_slices}`;
      $("corner-window").textContent = `C ${state.center} W ${state.width}`;
      const label = exam.truth[place];
      $("corner-truth").textContent = label === 1 ? "▲ positive" : label === 0 ? "negative" : "";
      root.dataset.painted = `${exam.id}/${exam.numbers[place]}`;
    };

    const repaint = () => {
      if (state.drawn) return;
      state.drawn = true;
      requestAnimationFrame(paint);
    };

    const go = async (place) => {
      const { exam } = state;
      if (!exam) return false;
      const to = clamp(place, 0, exam.numbers.length - 1);
      const moved = to !== state.place;
      state.place = to;
      moveCursor(to, `Slice ${exam.numbers[to]} of ${exam.n_slices}, truth ${truthWord(exam.truth[to])}`);
      const ticket = (state.asked += 1);
      try {
        const hu = await exam.slice(to);
        if (ticket !== state.asked) return moved;
        state.hu = hu;
        repaint();
      } catch (error) {
        fail(error);
      }
      return moved;
    };

    const drawControls = () => {
      const { exam } = state;
      $("boxes").disabled = exam.boxes.length === 0;
      $("masks").disabled = exam.masks === null;
      const select = $("map");
      const names = exam.maps.map((one) => one.name);
      select.disabled = names.length === 0;
      select.replaceChildren(element("option", { value: "" }, names.length ? "None" : "None made"));
      names.forEach((name) => select.append(element("option", { value: name }, name)));
      if (state.map && !names.includes(state.map)) state.lastMap = state.map;
      const wanted = state.map || state.lastMap;
      state.map = state.map && names.includes(wanted) ? wanted : "";
      select.value = state.map;
    };

    const about = (entry) => {
      const { exam } = state;
      const { title, truth } = viewer.describe(entry, list);
      const positive = exam.truth.filter((label) => label === 1).length;
      const labelled = exam.truth.some((label) => label !== null);
      const kept = exam.numbers.length < exam.n_slices ? `${exam.numbers.length} of ${exam.n_slices} slices shown` : `${exam.n_slices} slices`;
      const parts = [
        `Exam ${entry.exam_id}${entry.archive ? ` of ${entry.archive}` : ""}`,
        truth === "not labelled" ? "not labelled" : `truly ${truth}`,
        labelled ? `${kept}, ${positive} positive` : kept,
        ...list.learners.flatMap((learner, place) => {
          const value = entry.probabilities[place];
          if (value === null) return [];
          const called = value >= learner.threshold ? "positive" : "negative";
          return [`${learner.name} ${decimal(value)}, called ${called} (threshold ${decimal(learner.threshold)})`];
        }),
      ];
      $("about").replaceChildren(element("strong", {}, title), `. ${parts.join(" · ")}.`);
    };

    const open = async (id) => {
      const ticket = (state.asked += 1);
      $("alert").hidden = true;
      try {
        const exam = await provider.exam(id);
        if (ticket !== state.asked) return;
        Object.assign(state, { exam, hu: null, place: exam.first });
        about(list.exams.find((entry) => entry.id === id));
        drawControls();
        moveCursor = viewer.drawChart(chart, exam, list.learners, go);
        await go(exam.first);
      } catch (error) {
        fail(error);
      }
    };

    const setWindow = (center, width) => {
      state.center = Math.round(clamp(center, -1024, 3071));
      state.width = Math.round(clamp(width, 1, WIDEST));
      $("center").value = String(state.center);
      $("width").value = String(state.width);
      root.querySelectorAll("[data-preset]").forEach((button) => {
        const [, presetCenter, presetWidth] = PRESETS[Number(button.dataset.preset)];
        button.setAttribute("aria-pressed", String(presetCenter === state.center && presetWidth === state.width));
      });
      repaint();
    };

    const usePreset = (number) => setWindow(PRESETS[number][1], PRESETS[number][2]);

    const toggle = (name) => {
      if ($(name).disabled) return;
      state[name] = !state[name];
      $(name).setAttribute("aria-pressed", String(state[name]));
      repaint();
    };

    const setMap = (name) => {
      if (state.map) state.lastMap = state.map;
      state.map = name;
      $("map").value = name;
      repaint();
    };

    const toggleMap = () => {
      const names = state.exam.maps.map((one) => one.name);
      const back = names.includes(state.lastMap) ? state.lastMap : names[0];
      if (names.length) setMap(state.map ? "" : back);
    };

    const nextMap = () => {
      const names = state.exam.maps.map((one) => one.name);
      if (names.length) setMap(names[(names.indexOf(state.map) + 1) % names.length]);
    };

    PRESETS.forEach(([name, center, width], number) => {
      const button = element("button", { type: "button", "data-preset": String(number), "aria-pressed": "false", title: `Centre ${center}, width ${width} HU; key ${number + 1}` }, name);
      button.addEventListener("click", () => usePreset(number));
      $("presets").append(button);
    });
    ["boxes", "masks"].forEach((name) => $(name).addEventListener("click", () => toggle(name)));
    $("map").addEventListener("change", (event) => setMap(event.target.value));
    const typed = () => {
      const [center, width] = [$("center").valueAsNumber, $("width").valueAsNumber];
      if (Number.isFinite(center) && Number.isFinite(width)) setWindow(center, width);
    };
    ["center", "width"].forEach((name) => $(name).addEventListener("change", typed));
    $("touch").addEventListener("click", () => {
      state.dragWindow = !state.dragWindow;
      $("touch").setAttribute("aria-pressed", String(state.dragWindow));
      stage.classList.toggle("viewer-drags-window", state.dragWindow);
    });

    // The wheel goes through slices, and on with the page at their end, or where the page was
    // being scrolled already when the picture came beneath the pointer.
    let pageScrolledAt = -Infinity;
    let wheeled = 0;
    globalThis.addEventListener("scroll", () => { pageScrolledAt = performance.now(); }, { passive: true });
    stage.addEventListener("wheel", (event) => {
      if (!state.exam || event.ctrlKey || Math.abs(event.deltaY) < Math.abs(event.deltaX)) return;
      if (performance.now() - pageScrolledAt < PAGE_SCROLL_MS && !stage.contains(document.activeElement)) return;
      const to = state.place + Math.sign(event.deltaY);
      if (to < 0 || to >= state.exam.numbers.length) return;
      event.preventDefault();
      if (Math.sign(wheeled) !== Math.sign(event.deltaY)) wheeled = 0;
      wheeled += event.deltaMode === 0 ? event.deltaY : Math.sign(event.deltaY) * WHEEL_PIXELS;
      const steps = Math.trunc(wheeled / WHEEL_PIXELS);
      wheeled -= steps * WHEEL_PIXELS;
      // A notch of a mouse is one slice, however many pixels it counts.
      if (steps) go(state.place + Math.sign(steps));
    }, { passive: false });

    // A mouse changes the window; a finger goes through slices, or changes the window where asked.
    let drag = null;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !state.exam) return;
      const forWindow = event.pointerType === "mouse" || state.dragWindow;
      drag = { id: event.pointerId, x: event.clientX, y: event.clientY, forWindow, place: state.place, center: state.center, width: state.width };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!drag || drag.id !== event.pointerId) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (drag.forWindow) {
        const speed = Math.max(0.25, drag.width / 200);
        if (dx || dy) setWindow(drag.center + dy * speed, drag.width + dx * speed);
      } else {
        const each = clamp(stage.clientWidth / state.exam.numbers.length, 8, 40);
        go(drag.place + Math.round(dx / each));
      }
    });
    ["pointerup", "pointercancel"].forEach((name) => stage.addEventListener(name, () => { drag = null; }));

    let exams = null;
    const keys = {
      ArrowRight: () => go(state.place + 1), ArrowUp: () => go(state.place + 1),
      ArrowLeft: () => go(state.place - 1), ArrowDown: () => go(state.place - 1),
      PageUp: () => go(state.place + 5), PageDown: () => go(state.place - 5),
      Home: () => go(0), End: () => go(Infinity),
      b: () => toggle("boxes"), m: () => toggle("masks"), s: toggleMap, l: nextMap,
      n: () => exams.step(1, false), p: () => exams.step(-1, false),
      "+": () => setWindow(state.center, state.width * 1.1), "-": () => setWindow(state.center, state.width / 1.1),
      ".": () => setWindow(state.center + 5, state.width), ",": () => setWindow(state.center - 5, state.width),
    };
    PRESETS.forEach((_, number) => { keys[String(number + 1)] = () => usePreset(number); });
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !state.exam) return;
      if (event.target.closest("input, select, summary")) return;
      const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });

    new ResizeObserver(repaint).observe(stage);
    try {
      list = await provider.list();
      exams = viewer.makeList(root, list, open);
      setWindow(state.center, state.width);
      root.classList.add("viewer-ready");
      exams.first();
    } catch (error) {
      fail(error);
    }
  };

  const begin = () => {
    const root = document.querySelector("[data-viewer]");
    if (!root) return;
    const { base, token } = root.dataset;
    const provider = base ? viewer.httpProvider(base, { "X-Examwise-Token": token }) : viewer.embeddedProvider(root);
    start(root, provider);
  };

  Object.assign(viewer, { start });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})(globalThis.ExamViewer);
