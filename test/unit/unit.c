#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int unit_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

char *unit_read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s (tests run from the project's root)", path);
    char *text = NULL;
    size_t len = 0;
    for (;;) {
        text = realloc(text, len + 4097);
        ck_assert_ptr_nonnull(text);
        size_t got = fread(text + len, 1, 4096, file);
        len += got;
        if (got == 0) {
            break;
        }
    }
    fclose(file);
    text[len] = '\0';
    if (ret_len != NULL) {
        *ret_len = len;
    }
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

void unit_golden(const char *path, const char *got)
{
    if (getenv("UPDATE_GOLDEN") != NULL) {
        write_file(path, got);
        return;
    }
    char *wanted = unit_read_file(path, NULL);
    ck_assert_msg(strcmp(wanted, got) == 0, "%s differs; got:\n%s", path, got);
    free(wanted);
}
