/* Ember's GGUF file, as it is, inside the binary. The alignment lets llama.cpp map its tensors. */
    .section .rodata.hearth_ember, "a", @progbits
    .balign 64
    .global hearth_ember_begin
    .type hearth_ember_begin, @object
hearth_ember_begin:
    .incbin HEARTH_EMBER_FILE
    .global hearth_ember_end
    .type hearth_ember_end, @object
hearth_ember_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
