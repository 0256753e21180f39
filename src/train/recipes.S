/* The recipes, embedded as NUL-terminated text: cutlab_recipe_NAME is presets/recipes/FILE.yaml. */
        .macro recipe name, file
        .global cutlab_recipe_\name
        .hidden cutlab_recipe_\name
        .type cutlab_recipe_\name, %object
cutlab_recipe_\name:
        .incbin "presets/recipes/\file\().yaml"
        .byte 0
        .size cutlab_recipe_\name, . - cutlab_recipe_\name
        .endm

        .section .rodata
        recipe mnist, mnist
        recipe cifar10, cifar10
        recipe cifar100, cifar100
        recipe folder, folder
        recipe npy, npy
        recipe feature_noise, feature-noise

        .section .note.GNU-stack, "", %progbits
