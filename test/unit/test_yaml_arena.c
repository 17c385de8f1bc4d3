#include "yaml/yaml_arena.h"

#include <stdint.h>
#include <string.h>

#include "unit/unit.h"

START_TEST(pieces)
{
    struct yaml_arena arena = {0};
    static const size_t sizes[] = {1, 0, 17, 8192, 3, 100000, 4000, 4000, 4000};
    unsigned char *piece[sizeof(sizes) / sizeof(sizes[0])];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        piece[i] = yaml_arena_alloc(&arena, sizes[i]);
        ck_assert_uint_eq((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < sizes[i]; j++) {
            ck_assert_uint_eq(piece[i][j], 0);
        }
        memset(piece[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            ck_assert_uint_eq(piece[i][j], i + 1);
        }
    }
    yaml_arena_finish(&arena);
    ck_assert_ptr_null(arena.chunks);
}
END_TEST

START_TEST(copies)
{
    struct yaml_arena arena = {0};
    ck_assert_str_eq(yaml_arena_copy(&arena, "abc", 2), "ab");
    ck_assert_str_eq(yaml_arena_copy(&arena, NULL, 0), "");
    ck_assert_int_eq(memcmp(yaml_arena_copy(&arena, "a\0b", 3), "a\0b", 4), 0);
    yaml_arena_finish(&arena);
    yaml_arena_finish(&arena);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_arena");
    TCase *all = tcase_create("all");
    tcase_add_test(all, pieces);
    tcase_add_test(all, copies);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
