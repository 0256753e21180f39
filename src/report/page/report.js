// Draws the report of runs: text and tables at once, then the figures.
(() => {
  'use strict';
  const {root, page, make, missing, number, css} = CutLab;
  const state = {
    methods: page.methods.map(m => m.label),
    hidden: [],
    each: false,
  };

  const colour = label => page.methods.find(m => m.label === label).colour;

  // Text

  function spread(value, digits, learnt) {
    const cell = make('td', {text: number(value.mean, digits)});
    if (learnt) cell.className = 'learnt';
    if (value.count > 1 && number(value.min, digits) !== number(value.max, digits))
      cell.append(make('span', {class: 'range', text: `${number(value.min, digits)}–${number(value.max, digits)}`}));
    return cell;
  }

  // Tables of columns, each [title, cell of a row, whether a row has it].
  function tables(group) {
    const rarities = page.rarities.map((name, i) => ({name, i}))
      .filter(r => group.rows.some(row => row.outputs[r.i].count));
    const of = (title, key, digits) => [title, row => spread(row[key], digits), row => row[key].count];
    const outputs = rarities.map(r => [`output, ${r.name}`, row => spread(row.outputs[r.i], 3, row.learnt[r.i])]);
    const accuracies = rarities.map(r => [`accuracy, ${r.name}`, row => spread(row.accuracies[r.i], 4), row => row.accuracies[r.i].count]);
    if (!group.trained) return [table(group, 'At the last measurement', rarities.length, [
      ...outputs,
      ['loss', row => spread(row.loss, 4)],
      ['training accuracy', row => spread(row.train, 4)],
      of(group.estimated ? 'accuracy, by Monte Carlo' : 'population accuracy', 'fresh', 4),
      of('test error', 'test_error', 4),
      ['theory', row => make('td', {text: number(row.theory, 4)}), row => !missing(row.theory)],
      of('distance from even', 'evenness', 3),
    ])];
    const whole = table(group, 'At the last measurement', false, [
      of('test accuracy', 'fresh', 4),
      of('best test accuracy', 'best', 4),
      of('training loss', 'loss', 4),
      of('epochs', 'time', 0),
      of('images/s', 'images', 0),
    ]);
    return rarities.length ? [whole, table(group, 'By rarity of the feature', true, [...outputs, ...accuracies])] : [whole];
  }

  function table(group, title, bold, wanted) {
    const columns = wanted.filter(([, , has]) => !has || group.rows.some(has));
    const head = make('tr', {}, make('th', {scope: 'col', text: 'method'}), make('th', {scope: 'col', text: 'seeds'}),
      ...columns.map(([title]) => make('th', {scope: 'col', text: title})));
    const body = group.rows.map(row => {
      const seeds = make('td', {text: row.seeds});
      if (row.unfinished) seeds.append(make('span', {class: 'range', text: `${row.unfinished} unfinished`}));
      const name = make('th', {scope: 'row', text: row.method, style: `--method: ${colour(row.method)}`});
      return make('tr', {}, name, seeds, ...columns.map(([, cell]) => cell(row)));
    });
    const caption = make('caption', {text: `${title}: mean over seeds, and their range`});
    if (bold)
      caption.append(make('span', {class: 'faint', text: ' (bold outputs: learnt in every seed)'}));
    return make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Table of ${group.name}: ${title}`},
      make('table', {}, caption, make('thead', {}, head), make('tbody', {}, ...body)));
  }

  function configuration(group) {
    const text = value => typeof value === 'string' ? value : JSON.stringify(value);
    const list = Object.entries(group.parameters).map(([name, value]) =>
      make('div', {}, make('dt', {text: name}), make('dd', {text: text(value)})));
    const machines = new Set(group.runs.map(run => {
      const m = run.machine || {};
      return `CutLab ${run.cutlab || '?'}, ${m.system || '?'}, ${m.processor || '?'}, kernels ${m.kernels || '?'}`;
    }));
    return make('details', {class: 'configuration'},
      make('summary', {text: 'Configuration, and how to reproduce'}),
      make('dl', {}, ...list),
      make('p', {class: 'hint', text: group.trained ? 'One command a run; add --out FOLDER, which keeps it.' : 'One command a run; add --out FOLDER to keep it.'}),
      make('pre', {tabindex: '0', text: group.runs.map(run => run.command).join('\n')}),
      make('p', {class: 'hint', text: `Trained with: ${[...machines].join('; ')}.`}));
  }

  // Specifications: what the page adds to a printed figure

  const shown = 'indexof(methods, datum.method) >= 0 && indexof(hidden, datum.seed) < 0';

  const averageLayer = spec => spec.spec.layer.find(layer => layer.mark.type === 'line' && layer.encoding.y.aggregate);
  // A field of Vega whose name is any text.
  const field = name => name.replace(/[\\.[\]'"]/g, '\\$&');

  // The average at the time nearest to the pointer, for every method, on one rule.
  function hoverLayer(spec, name) {
    const average = averageLayer(spec).encoding;
    const time = average.x.field;
    return {
      name,
      transform: [
        {aggregate: [{op: average.y.aggregate, field: 'value', as: 'value'}], groupby: ['panel', time, 'method']},
        {pivot: 'method', value: 'value', groupby: ['panel', time]},
      ],
      params: [{name, select: {type: 'point', fields: [time], nearest: true, on: 'pointermove', clear: 'pointerout'}}],
      mark: {type: 'rule', strokeWidth: 1, color: css('--soft')},
      encoding: {
        x: average.x,
        color: null,
        opacity: {condition: {value: 0.7, param: name, empty: false}, value: 0},
        tooltip: [
          {field: time, type: 'quantitative', format: ','},
          ...spec.spec.encoding.color.scale.domain.map(label => ({field: field(label), title: label, type: 'quantitative', format: '.4~g'})),
        ],
      },
    };
  }

  function seedLayer(spec, name) {
    const average = averageLayer(spec).encoding;
    const {aggregate, ...y} = average.y;
    return {
      name,
      mark: {type: 'line', strokeWidth: 0.8, opacity: {expr: 'each ? 0.75 : 0'}, clip: true},
      encoding: {x: average.x, y, detail: {field: 'seed', type: 'nominal'}},
    };
  }

  function curves(spec, width, suffix = '') {
    const count = spec.facet.sort.length;
    const columns = width >= (count > 2 ? 700 : 400) ? count : width >= 400 && count % 2 === 0 ? 2 : 1;
    spec.columns = columns;
    spec.spec.width = Math.max(120, Math.floor((width - 66 - (columns - 1) * spec.spacing) / columns));
    spec.spec.height = width < 520 ? 150 : count === 3 && columns === 3 ? 250 : 190;
    spec.spec.encoding.color.legend = null;
    spec.spec.layer.splice(1, 0, seedLayer(spec, `seeds${suffix}`));
    spec.spec.layer.push(hoverLayer(spec, `hover${suffix}`));
    spec.spec.layer[1].params = [{name: `zoom${suffix}`, bind: 'scales', select: {type: 'interval', zoom: 'wheel![event.ctrlKey || event.metaKey]'}}];
    const optimum = spec.spec.layer.find(layer => layer.name === 'optimum');
    if (optimum) optimum.transform = [{filter: 'indexof(methods, datum.method) >= 0'}];
  }

  // Several rows of curves, one below the other.
  function stacked(spec, width) {
    spec.vconcat.forEach((row, i) => {
      const height = row.spec.height;
      curves(row, width, i);
      row.spec.height = height;
    });
  }

  function finals(spec, width) {
    const axis = spec.encoding.y && spec.encoding.y.axis;
    if (axis) axis.labelLimit = Math.min(.7 * axis.labelLimit, .45 * width);
    spec.width = Math.max(140, width - (axis ? axis.labelLimit + 20 : 66));
    spec.encoding.color.legend = null;
    const channel = spec.encoding.y ? 'x' : 'y';
    for (const layer of spec.layer) {
      if (layer.name === 'theory') layer.transform = [{filter: 'indexof(methods, datum.method) >= 0'}];
      const where = spec.encoding.y ? 'group' : 'panel';
      const {aggregate} = layer.encoding[channel];
      layer.encoding.tooltip = [
        ...(spec.encoding.x && !spec.encoding.x.axis.labels ? []
          : [{field: where, type: 'nominal', title: where === 'panel' ? 'feature' : 'group'}]),
        {field: 'method', type: 'nominal'},
        ...(layer.name === 'seeds' ? [{field: 'seed', type: 'nominal'}] : []),
        {field: 'value', aggregate, type: 'quantitative', format: '.5f',
          title: layer.name === 'theory' ? 'theory' : layer.name === 'mean' ? 'mean over seeds' : 'accuracy'},
      ];
    }
    if (!spec.encoding.y && width < 420) {
      spec.encoding.x.axis.labelExpr = "datum.label === 'extremely rare' ? ['extremely', 'rare'] : datum.label";
    }
  }

  function interactive(figure, width) {
    const spec = CutLab.specification(figure);
    spec.params = [
      {name: 'methods', value: state.methods},
      {name: 'hidden', value: state.hidden},
      {name: 'each', value: state.each},
    ];
    spec.transform = [...(spec.transform || []), {filter: shown}];
    if (spec.vconcat) stacked(spec, width);
    else if (spec.facet) curves(spec, width);
    else finals(spec, width);
    return spec;
  }

  async function apply() {
    for (const {view} of page.figures.filter(figure => figure.view)) {
      view.signal('methods', state.methods).signal('hidden', state.hidden).signal('each', state.each);
      await view.runAsync();
    }
    root.dataset.applied = Number(root.dataset.applied || 0) + 1;
  }

  // The page

  function figureElement(figure, index) {
    const panels = figure.spec.facet ? figure.spec.facet.sort.length : 0;
    return CutLab.figureElement(figure, {wide: index === 0 || panels > 2, zooms: figure.spec.facet || figure.spec.vconcat});
  }

  function notes(sentences) {
    return make('ul', {class: 'notes'}, ...sentences.map(note => make('li', {text: note})));
  }

  function section(group, index) {
    const figures = page.figures.filter(figure => figure.group === index);
    const element = make('section', {id: group.slug, 'aria-label': group.name},
      make('h2', {text: group.name}),
      make('p', {class: 'description', text: group.description}),
      notes(group.notes.slice(0, 2)),
      make('div', {class: 'figures'}, ...figures.slice(0, 1).map(figureElement)),
      notes(group.notes.slice(2)),
      make('div', {class: 'figures'}, ...figures.slice(1).map(figure => figureElement(figure))));
    if (figures.length)
      element.append(make('p', {class: 'hint', text: 'Point at a curve for its values; drag to pan, Ctrl + wheel to zoom, double-click to go back.'}));
    element.append(...tables(group), configuration(group));
    return element;
  }

  function toggle(value, chosen, change) {
    const box = make('input', {type: 'checkbox', value});
    box.checked = chosen;
    box.addEventListener('change', () => change(box.checked));
    return box;
  }

  function controls() {
    const present = page.methods.filter(m => page.groups.some(g => g.rows.some(r => r.method === m.label)));
    for (const method of present) {
      const box = toggle(method.label, true, on => {
        state.methods = page.methods.map(m => m.label)
          .filter(label => label === method.label ? on : state.methods.includes(label));
        apply();
      });
      document.getElementById('methods').append(make('label', {class: 'check method', style: `--method: ${method.colour}`},
        box, make('span', {class: 'swatch'}), make('span', {class: 'name', text: method.label})));
    }
    const seeds = [...new Set(page.groups.flatMap(g => g.runs.map(run => run.seed)))].sort((a, b) => a - b);
    const list = document.querySelector('#seeds .seeds');
    for (const seed of seeds) {
      const box = toggle(seed, true, on => {
        state.hidden = on ? state.hidden.filter(s => s !== seed) : [...state.hidden, seed];
        apply();
      });
      list.append(make('label', {class: 'check'}, box, make('span', {text: `seed ${seed}`})));
    }
    document.querySelector('#seeds summary').textContent = seeds.length === 1 ? '1 seed' : `${seeds.length} seeds`;
    document.getElementById('each-seed').addEventListener('change', event => {
      state.each = event.target.checked;
      apply();
    });
    if (seeds.length === 1) document.getElementById('each-seed').parentElement.parentElement.hidden = true;
  }

  function text() {
    const many = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
    document.getElementById('lead').textContent = page.groups.length === 1
      ? `${many(page.runs, 'run')}, measured by CutLab.`
      : `${many(page.runs, 'run')} in ${many(page.groups.length, 'group')} of equal settings, measured by CutLab.`;
    const kinds = new Set(page.groups.map(group => group.trained));
    const lines = kinds.size > 1 ? 'Lines are medians (simulations) or means (networks) over seeds'
      : kinds.has(true) ? 'Lines are means over seeds' : 'Lines are medians over seeds';
    document.getElementById('paper').hidden = !kinds.has(false);
    document.getElementById('made').textContent = `Made by CutLab ${page.cutlab}. ${lines}, bands their range; colours by Okabe and Ito.`;
  }

  CutLab.theme();
  text();
  controls();
  const content = document.getElementById('content');
  for (const figure of page.figures.filter(f => f.group < 0))
    content.append(make('section', {'aria-label': 'Overview'}, figureElement(figure, 0)));
  page.groups.forEach((group, index) => content.append(section(group, index)));
  CutLab.drawAll(interactive);
})();
