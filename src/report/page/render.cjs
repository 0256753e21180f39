// Renders Vega-Lite specs to SVG beside them: node render.cjs NAME.vl.json ...
// vega.min.js and vega-lite.min.js stand beside this script.
const fs = require('fs');
const path = require('path');
const Module = require('module');

const bundles = {vega: 'vega.min.js', 'vega-lite': 'vega-lite.min.js'};
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) =>
  bundles[name] ? path.join(__dirname, bundles[name]) : resolve(name, ...rest);
const vega = require('vega');
const vegaLite = require('vega-lite');

async function render(file) {
  const spec = JSON.parse(fs.readFileSync(file, 'utf8'));
  const complain = message => { throw new Error(message); };
  const logger = {level() { return this; }, error: complain, warn: complain, info() {}, debug() {}};
  const view = new vega.View(vega.parse(vegaLite.compile(spec, {logger}).spec),
                             {renderer: 'none', logger});
  fs.writeFileSync(file.replace(/\.vl\.json$/, '.svg'), await view.toSVG());
}

(async () => {
  for (const file of process.argv.slice(2)) {
    try {
      await render(file);
    } catch (error) {
      process.stderr.write(`${path.basename(file)}: ${error.message}\n`);
      process.exit(1);
    }
  }
})();
