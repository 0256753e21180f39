/* The files that a report is made of, embedded as NUL-terminated text. */
        .macro asset name, path
        .globl  cutlab_asset_\name
        .hidden cutlab_asset_\name
        .type   cutlab_asset_\name, %object
cutlab_asset_\name:
        .incbin "\path"
        .byte   0
        .size   cutlab_asset_\name, . - cutlab_asset_\name
        .endm

        .section .rodata
        asset   vega, "third_party/vega/vega.min.js"
        asset   vega_lite, "third_party/vega/vega-lite.min.js"
        asset   vega_embed, "third_party/vega/vega-embed.min.js"
        asset   html, "src/report/page/report.html"
        asset   css, "src/report/page/report.css"
        asset   js, "src/report/page/report.js"
        asset   common, "src/report/page/common.js"
        asset   sections_css, "src/report/page/sections.css"
        asset   audit_html, "src/report/page/audit.html"
        asset   audit_css, "src/report/page/audit.css"
        asset   audit_js, "src/report/page/audit.js"
        asset   audit_gallery_js, "src/report/page/audit_gallery.js"
        asset   audit_quantiles, "src/report/page/audit_quantiles.vl.json"
        asset   audit_bins, "src/report/page/audit_bins.vl.json"
        asset   audit_table, "src/report/page/audit_table.vl.json"
        asset   audit_gain, "src/report/page/audit_gain.vl.json"
        asset   audit_changes, "src/report/page/audit_changes.vl.json"
        asset   sweep_html, "src/report/page/sweep.html"
        asset   sweep_css, "src/report/page/sweep.css"
        asset   sweep_js, "src/report/page/sweep.js"
        asset   sweep_map, "src/report/page/sweep_map.vl.json"
        asset   sweep_panel, "src/report/page/sweep_panel.vl.json"
        asset   sweep_lines, "src/report/page/sweep_lines.vl.json"
        asset   sheet_css, "src/report/page/sheet.css"
        asset   curves, "src/report/page/curves.vl.json"
        asset   accuracy, "src/report/page/accuracy.vl.json"
        asset   overview, "src/report/page/overview.vl.json"
        asset   log_axis, "src/report/page/log_axis.json"
        asset   style, "src/report/page/style.json"
        asset   render, "src/report/page/render.cjs"

        .section .note.GNU-stack, "", %progbits
