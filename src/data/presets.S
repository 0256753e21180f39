/* The preset files, embedded as NUL-terminated text: cutlab_preset_NAME is presets/NAME.yaml. */
        .macro preset name
        .global cutlab_preset_\name
        .hidden cutlab_preset_\name
        .type cutlab_preset_\name, %object
cutlab_preset_\name:
        .incbin "presets/\name\().yaml"
        .byte 0
        .size cutlab_preset_\name, . - cutlab_preset_\name
        .endm

        .section .rodata
        preset paper
        preset theory
        preset quick

        .section .note.GNU-stack, "", %progbits
