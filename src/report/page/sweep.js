// The page of a sweep: what was found, maps or lines of every measure, boundaries, comparisons with
// references. All values of a measure stand once in page.measures, by cell; figures take those of the
// chosen slice.
(() => {
  'use strict';
  const {page, make, missing, number, css, data, cell, paragraph, list, table} = CutLab;
  const {axes, dimensions} = page;
  const x = missing(page.x) ? null : axes[page.x];
  const y = missing(page.y) ? null : axes[page.y];
  const many = (count, word, plural = `${word}s`) => `${number(count, 0)} ${count === 1 ? word : plural}`;
  const short = value => typeof value === 'string' ? value : String(Number(value.toPrecision(4)));

  // Cells. A slice is fixed by the places on the dimensions that are neither of x, y nor panels.

  const used = [page.x, page.y, page.panels].filter(a => !missing(a)).map(a => axes[a].dimension);
  const others = axes.filter((axis, a) => !used.includes(axis.dimension)
    && axes.findIndex(first => first.dimension === axis.dimension) === a);
  const places = dimensions.map(() => 0); // the slice shown
  const strides = dimensions.map((_, d) => dimensions.slice(d + 1).reduce((product, size) => product * size, 1));

  function cellOf(panel, i, j) {
    const at = [...places];
    if (!missing(page.panels)) at[axes[page.panels].dimension] = panel;
    if (y) at[y.dimension] = j;
    if (x) at[x.dimension] = i;
    return at.reduce((sum, place, d) => sum + place * strides[d], 0);
  }

  // The number of the slice as the lines have it.
  function slice() {
    return dimensions.reduce((sum, size, d) => used.includes(d) ? sum : sum * size + places[d], 0);
  }

  function eachCell(visit) {
    const rows = y && !page.scattered ? y.values.length : 1;
    for (let panel = 0; panel < page.panel_texts.length; ++panel)
      for (let i = 0; i < x.values.length; ++i)
        for (let j = 0; j < rows; ++j)
          visit(cellOf(panel, i, j), panel, i, page.scattered ? i : j);
  }

  const runsOf = (measure, at) => ({sd: measure.sd[at], runs: measure.runs[at], failed: page.failed_runs[at]});

  function mapRows(measure) {
    const rows = [];
    eachCell((at, panel, i, j) => rows.push({panel, x: x.values[i], y: y.values[j], x0: x.low[i], x1: x.high[i],
      y0: y.low[j], y1: y.high[j], value: measure.mean[at], ...runsOf(measure, at)}));
    return rows;
  }

  function curveRows(measure, logarithmic) {
    const rows = [];
    eachCell((at, panel, i) => {
      const value = measure.mean[at];
      const sd = measure.sd[at] || 0;
      const low = missing(value) || logarithmic && value <= sd ? value : value - sd;
      const high = missing(value) ? value : value + sd;
      rows.push({name: page.panel_texts[panel], x: x.values[i], value, low, high, ...runsOf(measure, at)});
    });
    return rows;
  }

  const linesOf = feature => page.lines.filter(line => (line.slice < 0 || line.slice === slice())
    && (line.feature === 0 || line.feature === feature));

  // Figures at the page's width and colours

  function datasets(spec, measure) {
    if (y) return {
      cells: mapRows(measure),
      lines: linesOf(measure.feature).flatMap(({panel, kind, text, points}) =>
        points.map(([px, py]) => ({panel, kind, text, x: px, y: py}))),
    };
    const learnt = measure.name.startsWith('accuracy_') && !missing(page.learnt_at);
    return {
      cells: curveRows(measure, spec.layer[0].encoding.y.scale.type === 'log'),
      threshold: learnt ? [{value: page.learnt_at}] : [],
    };
  }

  // Panels side by side, as many as fit, on a page that scrolls down only.
  function layOut(spec, width) {
    const axis = 68;
    const legend = 76;
    const shared = spec.resolve.scale.color === 'shared';
    const legends = shared ? legend : 2 * legend;
    const count = spec.concat.length;
    const fit = Math.max(1, Math.floor((width - legends) / (150 + axis)));
    spec.columns = Math.min(count, fit);
    const rows = Math.ceil(count / spec.columns);
    spec.columns = Math.ceil(count / rows);
    const beside = spec.columns === count ? legends : legend;
    const size = Math.floor((width - beside) / spec.columns) - axis;
    for (const panel of spec.concat) {
      panel.width = Math.min(560, Math.max(110, size));
      panel.height = Math.min(380, Math.max(200, panel.width));
      panel.title.color = css('--ink');
      panel.title.subtitleColor = css('--soft');
      for (const layer of panel.layer)
        if (layer.mark.style === 'undefined') layer.mark.color = css('--unlearnt');
    }
  }

  // The lines' texts, one a line, as many in every panel so that panels of a row agree in height.
  function nameLines(spec, measure) {
    const texts = spec.concat.map((_, panel) => linesOf(measure.feature)
      .filter(line => line.panel === panel && line.kind !== 'crossing')
      .map(line => line.text));
    const most = Math.max(...texts.map(text => text.length));
    spec.concat.forEach((panel, p) => {
      panel.title.subtitle = [...texts[p], ...Array(most - texts[p].length).fill(' ')];
    });
  }

  function interactive(figure, width) {
    const spec = CutLab.specification(figure);
    const {measure} = figure;
    if (measure) spec.datasets = datasets(spec, measure);
    figure.canvas = spec.datasets.cells.length > 3000; // so many SVG elements would be slow
    if (spec.concat) {
      if (measure) nameLines(spec, measure);
      Object.assign(spec.config.legend, {titleColor: css('--soft')});
      layOut(spec, width);
    } else {
      spec.width = Math.max(160, width - 70);
    }
    return spec;
  }

  // Choosing

  function choice(label, options, change) {
    const select = make('select', {}, ...options.map(([value, text]) => make('option', {value, text})));
    select.addEventListener('input', () => change(select.value));
    return make('label', {}, label, select);
  }

  function sliceChoices() {
    if (others.length === 0) return [];
    const together = axis => axes.filter(other => other.dimension === axis.dimension);
    return [make('form', {class: 'filters', id: 'slice', 'aria-label': 'Values of the other axes'}, ...others.map(axis =>
      choice(together(axis).map(other => other.name).join(', '),
        axis.values.map((_, i) => [String(i), together(axis).map(other => short(other.values[i])).join(', ')]),
        value => {
          places[axis.dimension] = Number(value);
          for (const figure of page.figures) if (figure.measure && figure.view) CutLab.draw(figure);
        })))];
  }

  function figureOf(measure) {
    const figure = {...measure.figure, measure};
    page.figures.push(figure);
    return CutLab.figureElement(figure, {wide: true});
  }

  // Any measure that is not shown, in one more figure.
  function otherMeasures() {
    const rest = page.measures.filter(measure => !measure.shown);
    if (rest.length === 0) return [];
    let figure = null;
    const place = make('div', {class: 'figures'});
    const show = async name => {
      if (figure) {
        page.figures.splice(page.figures.indexOf(figure), 1);
        if (figure.view) figure.view.finalize();
      }
      place.replaceChildren();
      figure = null;
      const measure = rest.find(other => other.name === name);
      if (!measure) return;
      place.append(figureOf(measure));
      figure = page.figures[page.figures.length - 1];
      figure.started = true;
      await CutLab.draw(figure);
    };
    const chooser = choice('another measure', [['', 'choose'], ...rest.map(measure => [measure.name, measure.title])], show);
    return [make('form', {class: 'filters other', id: 'other'}, chooser), place];
  }

  // Sections

  const varied = axis => {
    const numeric = typeof axis.values[0] === 'number';
    return numeric && axis.values.length > 3
      ? `${short(Math.min(...axis.values))} to ${short(Math.max(...axis.values))}`
      : axis.values.map(short).join(', ');
  };

  function maps() {
    const shown = page.measures.filter(measure => measure.shown).sort((a, b) => a.shown - b.shown);
    return CutLab.section('maps', y ? 'maps' : 'figures', y ? 'Maps' : 'Results over ' + x.name,
      ...sliceChoices(), make('div', {class: 'figures'}, ...shown.map(figureOf)), ...otherMeasures());
  }

  // Without an axis of numbers there is nothing to draw.
  function resultTable() {
    const rows = [];
    for (let at = 0; at < Math.min(page.cells, 500); ++at)
      rows.push(make('tr', {}, ...axes.map(axis => cell(short(axis.values[Math.floor(at / strides[axis.dimension]) % dimensions[axis.dimension]]))),
        ...page.measures.map(measure => cell(data(measure.mean[at], number(measure.mean[at], 4))))));
    return CutLab.section('maps', 'results', 'Results',
      table('Means over seeds', '', [...axes.map(axis => axis.name), ...page.measures.map(measure => measure.title)], rows, 'results-table'));
  }

  function boundaries() {
    const places_ = page.fits.some(fit => fit.place !== '');
    const panels = page.fits.some(fit => fit.panel !== '');
    const head = text => make('th', {scope: 'row', class: 'plain', text});
    const rows = page.fits.map(({feature, panel, place, formula, fit, laws}) => make('tr', {},
      head(panels ? panel : `feature ${feature}`), ...places_ ? [cell(place)] : [], ...panels ? [cell(String(feature))] : [],
      make('td', {class: 'formula', text: formula || '–'}), cell(data(fit.r2, number(fit.r2, 3))), cell(data(fit.points, number(fit.points, 0))),
      cell(data(fit.everywhere, number(fit.everywhere, 0))), cell(data(fit.nowhere, number(fit.nowhere, 0))),
      make('td', {class: 'words'}, ...laws.flatMap(({text, ratio}, i) => [i ? '; ' : '', `${text}: × `, data(ratio, number(ratio, 2))]))));
    return CutLab.section('boundaries', 'boundaries', 'Where learning ends',
      paragraph(`For every ${x.name}, the first ${y.name} at which accuracy on a feature falls below ${short(page.learnt_at)}, between cells by interpolation; the law is the line of least squares through these points${x.logarithmic && y.logarithmic ? ', both axes logarithmic' : ''}. Beyond: learnt in the whole column, so that the boundary lies outside the map. Before: learnt nowhere in it. Neither is part of the law.`),
      table('Measured boundaries', 'Measured over said: the median of how many times the boundary lies beyond what a heuristic says.',
        [panels ? axes[page.panels].name : 'feature', ...places_ ? ['at'] : [], ...panels ? ['feature'] : [],
          'law', 'R²', 'points', 'beyond', 'before', 'measured over said'], rows, 'fits-table'));
  }

  function references() {
    const rows = page.comparisons.map(one => make('tr', {}, make('th', {scope: 'row', class: 'plain', text: one.measure}),
      ...['mean_difference', 'mean_absolute_difference', 'largest_difference', 'correlation', 'median_ratio'].map(key =>
        cell(data(one[key], number(one[key], 4)))),
      cell(Object.entries(one.largest_at).map(([name, value]) => `${name} = ${short(value)}`).join(', '))));
    const drawn = page.comparisons.map(({figure}) => {
      page.figures.push(figure);
      return CutLab.figureElement(figure, {wide: true});
    });
    return CutLab.section('reference', 'reference', 'Beside the reference',
      table('CutLab minus the reference, over all cells', 'Median ratio: CutLab over the reference.',
        ['measure', 'mean', 'mean absolute', 'largest', 'correlation', 'median ratio', 'largest at'], rows, 'reference-table'),
      make('div', {class: 'figures'}, ...drawn));
  }

  function variedTable() {
    const rows = axes.map(axis => make('tr', {}, make('th', {scope: 'row', class: 'plain', text: axis.name}),
      cell(number(axis.values.length, 0)), make('td', {class: 'words', text: varied(axis)}),
      cell(axis.logarithmic ? 'logarithmic' : typeof axis.values[0] === 'number' ? 'linear' : '–')));
    return CutLab.section('varied', 'what was varied', 'What was varied',
      table('Axes', '', ['axis', 'values', 'which', 'scale'], rows, 'axes-table'),
      paragraph(`Seeds ${varied({values: page.seeds})}. Everything else is in sweep.yaml.`));
  }

  function files() {
    const link = name => make('a', {href: name, download: '', text: name});
    return CutLab.section('files', 'files', 'Files beside this page', CutLab.files([
      [link('results.csv'), 'one row a cell: the axes, means, standard deviations'],
      [link('runs.csv'), 'one row a run'],
      ['results.npz', 'the runs as arrays'],
      ...page.fits.length ? [[link('boundaries.csv'), 'the points of the measured boundaries and their laws']] : [],
      ...page.comparisons.length ? [[link('comparison.csv'), 'every cell beside its reference'], ['comparison.json', 'how far they differ']] : [],
      ['sweep.json, sweep.yaml', 'what was varied and measured; the spec'],
      ['figures/', 'the figures as Vega-Lite and, where the tools are there, SVG, PDF and PNG']]));
  }

  CutLab.theme();
  const content = document.getElementById('content');
  if (page.notes.length) content.append(CutLab.section('found', 'found', 'What was found', list(page.notes)));
  content.append(x ? maps() : resultTable());
  if (page.fits.length) content.append(boundaries());
  if (page.comparisons.length) content.append(references());
  content.append(variedTable(), files());
  document.getElementById('name').textContent = `Sweep: ${page.name}`;
  document.title = `${page.name} – CutLab sweep`;
  document.getElementById('lead').textContent = `${axes.map(axis => axis.name).join(' × ')}: ${dimensions.map(size => number(size, 0)).join(' × ')} cells, ${many(page.seeds.length, 'seed')}, ${many(page.runs, 'training')}${page.failed ? `, ${number(page.failed, 0)} failed` : ''}.`;
  document.getElementById('made').textContent = `Made by CutLab ${page.cutlab}; colours: viridis.`;
  CutLab.drawAll(interactive);
})();
