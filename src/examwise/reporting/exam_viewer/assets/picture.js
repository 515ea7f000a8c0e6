"use strict";
// Drawing a slice with what lies over it.
((viewer) => {
  const BOX = "#ffd84d";
  const OUTLINE = "#40f0ff";

  // HU to a picture in shades of grey: black at the window's lower end, white at its upper one.
  const greyImage = (hu, rows, columns, center, width) => {
    const image = new ImageData(columns, rows);
    const low = center - width / 2;
    for (let at = 0; at < hu.length; at += 1) {
      const grey = ((hu[at] - low) / width) * 255;
      image.data[4 * at] = image.data[4 * at + 1] = image.data[4 * at + 2] = grey;
      image.data[4 * at + 3] = 255;
    }
    return image;
  };

  const mapImage = (levels, rows, columns, colours) => {
    const image = new ImageData(columns, rows);
    levels.forEach((level, at) => image.data.set(colours[level], 4 * at));
    return image;
  };

  // Edges between pixels inside and outside, as [x1, y1, x2, y2] in pixels.
  const outline = (inside, rows, columns) => {
    const at = (row, column) =>
      row >= 0 && row < rows && column >= 0 && column < columns && inside[row * columns + column] === 1;
    const edges = [];
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        if (!at(row, column)) continue;
        if (!at(row - 1, column)) edges.push([column, row, column + 1, row]);
        if (!at(row + 1, column)) edges.push([column, row + 1, column + 1, row + 1]);
        if (!at(row, column - 1)) edges.push([column, row, column, row + 1]);
        if (!at(row, column + 1)) edges.push([column + 1, row, column + 1, row + 1]);
      }
    }
    return edges;
  };

  const onCanvas = (image) => {
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  };

  // The part of a canvas that a slice fills, its proportions kept.
  const fitted = (width, height, aspect) => {
    const wide = Math.min(width, height * aspect);
    const high = wide / aspect;
    return { x: (width - wide) / 2, y: (height - high) / 2, width: wide, height: high };
  };

  const twice = (context, colour, thin) => {
    // A dark line beneath keeps the bright one visible on white bone.
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = "rgba(0, 0, 0, 0.65)";
    context.lineWidth = thin * 2.2;
    context.stroke();
    context.strokeStyle = colour;
    context.lineWidth = thin;
    context.stroke();
  };

  // layers: {map: levels or null, colours, mask: pixels or null, boxes: []}
  const paint = (canvas, exam, hu, view, layers) => {
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const place = fitted(width, height, exam.aspect);
    const { rows, columns } = exam;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    const slice = onCanvas(greyImage(hu, rows, columns, view.center, view.width));
    context.drawImage(slice, place.x, place.y, place.width, place.height);
    if (layers.map) {
      const { map } = layers;
      const over = onCanvas(mapImage(map.pixels, map.rows, map.columns, layers.colours));
      context.drawImage(over, place.x, place.y, place.width, place.height);
    }
    const scaleX = place.width / columns;
    const scaleY = place.height / rows;
    const x = (value) => place.x + value * scaleX;
    const y = (value) => place.y + value * scaleY;
    if (layers.mask) {
      context.beginPath();
      outline(layers.mask, rows, columns).forEach(([x1, y1, x2, y2]) => {
        context.moveTo(x(x1), y(y1));
        context.lineTo(x(x2), y(y2));
      });
      twice(context, OUTLINE, 1.5 * ratio);
    }
    layers.boxes.forEach((box) => {
      context.beginPath();
      // A little around the box, so that its edge covers nothing, least of all a mask's outline.
      const gap = 3 * ratio;
      context.rect(x(box.x) - gap, y(box.y) - gap, box.width * scaleX + 2 * gap, box.height * scaleY + 2 * gap);
      twice(context, BOX, 1.5 * ratio);
      context.font = `${12 * ratio}px system-ui, sans-serif`;
      context.textBaseline = "bottom";
      context.lineWidth = 3 * ratio;
      context.strokeStyle = "rgba(0, 0, 0, 0.8)";
      context.strokeText(box.name, x(box.x), y(box.y) - 6 * ratio);
      context.fillStyle = BOX;
      context.fillText(box.name, x(box.x), y(box.y) - 6 * ratio);
    });
  };

  Object.assign(viewer, { greyImage, outline, fitted, paint });
})(globalThis.ExamViewer);
