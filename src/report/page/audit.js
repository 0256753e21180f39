// The page of an audit: tables and sentences, then figures (common.js draws them); the galleries
// are in audit_gallery.js.
(() => {
  'use strict';
  const {page, make, missing, number, css, data, cell, table, paragraph, list} = CutLab;
  const audit = page.audit;
  const compared = audit.comparisons;
  const methods = page.methods.map(m => m.label);
  const many = (count, word, plural = `${word}s`) => `${number(count, 0)} ${count === 1 ? word : plural}`;
  const level = 1 - audit.confidence;
  const exact = value => String(Number(value.toPrecision(12))); // all digits but those of rounding
  const percent = exact(100 * audit.confidence);

  // Cells

  const shown = (value, digits) => cell(data(value, number(value, digits)));
  const digitsOf = values => values.every(Number.isInteger) ? 0 : 1; // of a column of counts or their means
  const counted = (value, digits) => cell(data(value, missing(value) ? '–'
    : value.toLocaleString('en-GB', {minimumFractionDigits: digits, maximumFractionDigits: digits})));
  const share = value => cell(data(value, missing(value) ? '–' : `${(100 * value).toFixed(2)}%`));
  const signed = (value, digits) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
  const points = value => missing(value) ? '–' : signed(100 * value, 2);
  const difference = value => missing(value) ? '–' : signed(value, 4);

  // With the digits that the level of significance needs.
  const digitsOfP = Math.max(3, Math.ceil(-Math.log10(level) - 1e-9));
  const least = (10 ** -digitsOfP).toFixed(digitsOfP);

  function chance(p) {
    return cell(data(p, missing(p) ? '–' : p < Number(least) ? `<${least}` : p.toFixed(digitsOfP)));
  }

  const bounds = estimate => estimate.over_trainings || estimate.over_examples;

  function interval(estimate, text) {
    const range = bounds(estimate);
    if (!range) return [];
    return [make('span', {class: 'range'}, data(range[0], text(range[0])), ' to ', data(range[1], text(range[1])))];
  }

  const estimated = (estimate, text) => cell(data(estimate.value, text(estimate.value)), ...interval(estimate, text));

  function name(label) {
    const method = page.methods.find(m => m.label === label);
    return make('th', {scope: 'row', text: label, style: `--method: ${method.colour}`});
  }

  const figures = (...names) => {
    const found = names.map(n => page.figures.find(f => f.name === n)).filter(f => f);
    return make('div', {class: names.length > 3 ? 'figures three' : 'figures'}, ...found.map(figure =>
      CutLab.figureElement(figure, {wide: figure.name === names[0]})));
  };

  // Sections

  const places = {audited: 'audited', missed: 'missed', helped: 'helped and hurt', gallery: 'examples', files: 'files'};

  const section = (id, title, ...children) => CutLab.section(id, places[id], title, ...children);

  // What the ranges of these estimates say.
  function intervals(estimates) {
    const wide = estimates.filter(estimate => estimate.over_trainings).length;
    const start = `Ranges below a number are ${percent}% intervals`;
    const both = 'over examples and trainings: how it would vary with other examples and newly trained networks.';
    const narrow = 'over examples only: how it would vary with other examples, for these very networks.';
    const few = 'fewer than 3 trainings, too few to say how it would vary with newly trained networks';
    if (wide === estimates.length) return `${start} ${both}`;
    return wide ? `${start} ${both} Where a method that a number is about has ${few}, its range is over examples only.`
      : `${start} ${narrow} There are methods with ${few}.`;
  }

  function audited() {
    const errors = methods.map(label => {
      const {each, trainings} = audit.methods[label];
      return each.reduce((sum, one) => sum + one.misclassified, 0) / trainings;
    });
    const rows = methods.map((label, m) => make('tr', {}, name(label), shown(audit.methods[label].trainings, 0),
      counted(errors[m], digitsOf(errors)), share(audit.methods[label].accuracy)));
    const each = methods.flatMap(label => audit.methods[label].each.map(one =>
      make('tr', {}, name(label), cell(one.name), shown(one.misclassified, 0), share(one.accuracy))));
    const kind = !page.runs ? 'examples' : audit.held_out ? 'training examples that were held out of every network that is asked about them' : 'test examples';
    const parts = audit.folds > 1 ? `, in ${audit.folds} parts: each network was trained without one of them` : '';
    const element = section('audited', 'What was audited',
      paragraph(`${number(audit.examples, 0)} ${kind}${parts}, of ${many(audit.classes, 'class', 'classes')}. A training is one network of a method${audit.folds > 1 ? ' for each part' : ''}; accuracy is the share of the examples that it is right about.`),
      table('Methods, means over their trainings', '', ['method', 'trainings', 'errors', 'accuracy'], rows, 'methods-table'));
    if (each.length > methods.length)
      element.append(make('details', {}, make('summary', {text: 'Each training'}),
        table('Each training', '', ['method', 'training', 'errors', 'accuracy'], each, 'trainings-table')));
    return element;
  }

  const statistics = [['mean', 'mean'], ['q1', 'lower quartile'], ['q2', 'median'], ['q3', 'upper quartile']];

  function scoreTable(source, id, caption, note) {
    const digits = digitsOf(methods.map(label => source.methods[label].misclassified));
    const rows = methods.map(label => {
      const row = source.methods[label];
      return make('tr', {}, name(label), counted(row.misclassified, digits), share(row.accuracy),
        ...statistics.map(([key]) => estimated(row.intervals[key], value => number(value, 4))));
    });
    return table(caption, note, ['method', 'errors', 'accuracy', ...statistics.map(([, title]) => title)], rows, id);
  }

  function differenceTable(source, id, caption) {
    const rows = source.differences.map(pair => {
      const cells = statistics.flatMap(([key]) => {
        const estimate = pair[key];
        const p = chance(estimate.adjusted_p);
        if (!missing(estimate.adjusted_p) && estimate.adjusted_p < level) p.className = 'significant';
        return [estimated(estimate, difference), p];
      });
      return make('tr', {}, make('th', {scope: 'row', class: 'plain', text: `${pair.second} − ${pair.first}`}), ...cells);
    });
    return table(caption, `p: how often chance alone would make a difference this large, corrected for the number of comparisons (Holm); bold below ${exact(level)}.`,
      ['difference', ...statistics.flatMap(([, title]) => [title, 'p'])], rows, id);
  }

  function missed() {
    if (!page.scores)
      return section('missed', 'Which examples are still missed?',
        paragraph('No scores were given, so how hard the missed examples are is not measured here. Below, examples are ordered by how surely the networks are right: the mean over all trainings of an example’s rank by margin, from 0 (most surely wrong) to 1 (most surely right).'));
    const element = section('missed', 'Which examples are still missed?',
      paragraph('Every example has a score: high for easy examples, low for hard ones. A method that learns more of the rare features still misses only the hardest, so the scores of the examples that it misses are low.'),
      list(page.table_notes));
    if (Object.values(audit.methods).some(method => missing(method.mean)))
      element.append(paragraph('Some training makes no error, so there is no table of scores.'));
    else {
      element.append(scoreTable(audit, 'plain-table', 'Scores of missed examples: all errors',
        intervals(Object.values(audit.methods).map(method => method.intervals.mean))));
      if (audit.matched)
        element.append(
          paragraph('A more accurate network misses fewer and harder examples, whatever it has learnt. The second table takes the same number of errors from every training, those where it is most surely wrong, so that accuracy alone moves it less.'),
          scoreTable(audit.matched, 'matched-table', `Scores of missed examples: ${number(audit.matched.methods[methods[0]].misclassified, 0)} errors of every training`, ''));
      if (audit.differences.length) {
        element.append(differenceTable(audit, 'plain-differences', 'Differences between methods: all errors'));
        if (audit.matched) element.append(differenceTable(audit.matched, 'matched-differences', 'Differences between methods: equally many errors'));
      }
    }
    element.append(figures('cscore-table', 'cscore-quantiles', 'cscore-histogram', 'error-rate-by-score'));
    return element;
  }

  // A row of a group: its gain, marked where it is significant.
  function groupRow(group, title) {
    const sure = !missing(group.gain.adjusted_p) && group.gain.adjusted_p < level && group.gain.value !== 0;
    const mark = sure ? group.gain.value < 0 ? ' ▼ loses' : ' ▲ gains' : '';
    const gain = estimated(group.gain, points);
    gain.classList.add('gain');
    return make('tr', {class: sure ? group.gain.value < 0 ? 'loses' : 'gains' : null},
      make('th', {scope: 'row', class: 'plain', text: title + mark}), shown(group.count, 0),
      share(group.baseline_accuracy), share(group.accuracy), gain, chance(group.gain.adjusted_p),
      counted(group.rescued, 1), counted(group.hurt, 1), counted(group.rescued_again, 1));
  }

  const groupColumns = (comparison, what) => [what, 'examples', `${comparison.baseline} accuracy`,
    `${comparison.method} accuracy`, 'gain, points', 'p', 'rescued', 'hurt', 'by chance'];

  const fateTitles = ['right in all trainings of both', 'rescued: right more often', 'hurt: right less often',
    'wrong in all trainings of both', 'right as often, but not always'];

  function fateTable(comparison, id) {
    const counts = Object.values(comparison.all.fates);
    const rows = counts.map((count, i) => make('tr', {}, make('th', {scope: 'row', class: 'plain', text: fateTitles[i]}),
      shown(count, 0)));
    return table(`What becomes of the examples under ${comparison.method}`,
      `By the share of ${comparison.method} trainings that are right about an example, against that of ${comparison.baseline}.`,
      ['fate', 'examples'], rows, id);
  }

  function comparisonPart(comparison, index) {
    const {baseline, method} = comparison;
    const sorted = comparison.classes.filter(group => group.count).sort((a, b) => b.gain.value - a.gain.value);
    const range = group => `${group.name.replace(/^difficulty /, '')}: ${number(group.low, 3)} to ${number(group.high, 3)}`;
    return make('div', {id: `comparison-${index}`},
      make('h3', {text: `${method} against ${baseline}`}), list(page.comparison_notes[index]),
      fateTable(comparison, `fates-${index}`),
      table(`By class, ${method} against ${baseline}`,
        `Rescued and hurt: examples that change from a network of ${baseline} to one of ${method}, on average. By chance: that change each way between two networks of ${baseline}. p is corrected for the number of classes.`,
        groupColumns(comparison, 'class'), sorted.map(group => groupRow(group, group.name)), `classes-${index}`),
      table(`By difficulty, ${method} against ${baseline}`,
        page.scores ? 'Groups of equally many examples by score, hardest first.' : 'Groups of equally many examples by mean rank over all trainings, hardest first.',
        groupColumns(comparison, 'group'), comparison.difficulty.map(group => groupRow(group, range(group))), `difficulty-${index}`));
  }

  function helped() {
    const baseline = compared[0].baseline;
    const paired = compared.every(comparison => comparison.paired)
      ? ' Trainings are compared in pairs: those of equal seed, or files in the order in which they were given.' : '';
    const again = audit.methods[baseline].trainings > 1
      ? ` Some examples change whenever a network is trained anew, so beside the changes stands how many retraining ${baseline} alone makes.` : '';
    return section('helped', 'Whom does it help and hurt?',
      paragraph(`An example is rescued by a method if its trainings are right about it more often than those of ${baseline}, and hurt if less often.${again}${paired}`),
      paragraph(intervals(compared.map(comparison => comparison.all.gain))),
      figures('rescued-and-hurt', 'gain-by-class', 'gain-by-difficulty'),
      ...compared.map(comparisonPart));
  }

  function files() {
    const all = [
      ['methods.csv, trainings.csv', 'errors and accuracy', true],
      ['cscore-table.csv', 'scores of missed examples, with intervals', page.scores],
      ['cscore-trainings.csv', 'the same of each training', page.scores],
      ['cscore-differences.csv', 'differences between methods and their tests', page.scores && compared.length],
      ['cscore-curves.csv, cscore-quantiles.csv', 'what the curves show', page.scores],
      ['comparisons.csv', 'fates, changes and gains: of all examples, by class and by difficulty', compared.length],
      ['examples.csv', 'every example: score, how often each method is right, what became of it', true],
      ['audit.json', 'everything but the examples', true],
      ['figures/', 'every figure as Vega-Lite and, where the tools are there, SVG, PDF and PNG', true]];
    return section('files', 'Files beside this page', CutLab.files(all.filter(file => file[2])));
  }

  // Figures at the page's width and colours

  // As many columns of a legend as fit.
  function legendColumns(width) {
    const widest = 40 + 7.5 * Math.max(...methods.map(label => label.length));
    return Math.min(methods.length, Math.max(1, Math.floor(width / widest)));
  }

  function interactive(figure, width) {
    const spec = CutLab.specification(figure);
    spec.config.legend.columns = legendColumns(width - 66);
    spec.config.legend.labelLimit = Math.max(100, width - 110);
    if (spec.facet) {
      spec.columns = width >= 680 ? spec.facet.sort.length : 1;
      spec.spec.width = Math.max(140, Math.floor((width - 110) / spec.columns) - spec.spacing);
      return spec;
    }
    if (spec.height.step) {
      const axis = spec.encoding.y.axis;
      axis.labelLimit = Math.min(280, Math.round(0.4 * width));
      const labels = Math.min(axis.labelLimit, 7 * Math.max(...spec.encoding.y.sort.map(text => text.length)));
      spec.width = Math.max(120, width - labels - 22);
    } else {
      spec.width = Math.max(160, width - 66);
    }
    for (const layer of spec.layer || []) {
      if (layer.name === 'unsure') layer.mark.fill = css('--paper');
      if (layer.name === 'again') layer.mark.color = css('--ink');
    }
    return spec;
  }

  CutLab.theme();
  const content = document.getElementById('content');
  content.append(audited(), missed());
  if (compared.length) content.append(helped(), CutLabGallery.section(section));
  content.append(files());
  document.getElementById('lead').textContent =
    `${methods.join(', ')} on ${many(audit.examples, page.runs && audit.held_out ? 'held-out example' : page.runs ? 'test example' : 'example')}, audited by CutLab.`;
  document.getElementById('made').textContent =
    `Made by CutLab ${page.cutlab}: intervals and tests by ${number(audit.draws, 0)} draws of the bootstrap; colours by Okabe and Ito.`;
  CutLab.drawAll(interactive);
})();
