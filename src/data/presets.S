/* The preset files, embedded as NUL-terminated text: cutlab_preset_NAME is presets/FILE.yaml. */
        .macro preset name, file
        .global cutlab_preset_\name
        .hidden cutlab_preset_\name
        .type cutlab_preset_\name, %object
cutlab_preset_\name:
        .incbin "presets/\file\().yaml"
        .byte 0
        .size cutlab_preset_\name, . - cutlab_preset_\name
        .endm

        .section .rodata
        preset paper, paper
        preset theory, theory
        preset quick, quick
        preset wide, wide
        preset imbalanced, imbalanced
        preset fixed_position, fixed-position
        preset benign_overfitting, benign-overfitting
        preset relu_power, relu-power
        preset mixup_rare_feature, mixup-rare-feature
        preset midpoint_mixup, midpoint-mixup
        preset augmentation_views, augmentation-views

        .section .note.GNU-stack, "", %progbits
