/* The sweeps that come along, as NUL-terminated text:
   cutlab_sweep_preset_NAME is presets/sweeps/FILE.yaml. */
        .macro sweep name, file
        .global cutlab_sweep_preset_\name
        .hidden cutlab_sweep_preset_\name
        .type cutlab_sweep_preset_\name, %object
cutlab_sweep_preset_\name:
        .incbin "presets/sweeps/\file\().yaml"
        .byte 0
        .size cutlab_sweep_preset_\name, . - cutlab_sweep_preset_\name
        .endm

        .section .rodata
        sweep phase_diagram, phase-diagram
        sweep benign_overfitting, benign-overfitting
        sweep quick, quick

        .section .note.GNU-stack, "", %progbits
