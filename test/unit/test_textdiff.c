#include "base/textdiff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"
#include "unit/unit.h"

START_TEST(golden)
{
    static const struct {
        const char *from;
        const char *to;
        const char *hunks; /* behind the two lines of the head */
    } rows[] = {
        {"", "a\n", "@@ -0,0 +1 @@\n+a\n"},
        {"a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"},
        {"a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n"},
        {"a\nb\nc\n", "a\nc\n", "@@ -1,3 +1,2 @@\n a\n-b\n c\n"},
        {"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
        {"a\nb", "a\nc",
         "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
         "\\ No newline at end of file\n"},
        {"x\na", "y\na", "@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n"},
        {"a\r\nb\n", "a\nb\n", "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\n"},
        {"\n\n", "\n", "@@ -1,2 +1 @@\n \n-\n"},
        /* three lines of context, and no more */
        {"1\n2\n3\n4\n5\nx\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\ny\n6\n7\n8\n9\n",
         "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-x\n+y\n 6\n 7\n 8\n"},
        /* six equal lines between two changes join them, seven do not */
        {"x\n1\n2\n3\n4\n5\n6\nx\n", "y\n1\n2\n3\n4\n5\n6\ny\n",
         "@@ -1,8 +1,8 @@\n-x\n+y\n 1\n 2\n 3\n 4\n 5\n 6\n-x\n+y\n"},
        {"x\n1\n2\n3\n4\n5\n6\n7\nx\n", "y\n1\n2\n3\n4\n5\n6\n7\n",
         "@@ -1,4 +1,4 @@\n-x\n+y\n 1\n 2\n 3\n@@ -6,4 +6,3 @@\n 5\n 6\n 7\n-x\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = textdiff_unified(rows[i].from, rows[i].to, "live/a", "planned/a");
        AUTO_FREE char *wanted = xasprintf("--- live/a\n+++ planned/a\n%s", rows[i].hunks);
        ck_assert_msg(strcmp(got, wanted) == 0, "row %zu: got\n%s", i, got);
    }
}
END_TEST

START_TEST(equal_texts_give_nothing)
{
    AUTO_FREE char *empty = textdiff_unified("", "", "a", "b");
    AUTO_FREE char *same = textdiff_unified("x\ny", "x\ny", "a", "b");
    ck_assert_str_eq(empty, "");
    ck_assert_str_eq(same, "");
}
END_TEST

/* What the operator shows: one line of a real ConfigMap. */
START_TEST(kube_proxy_config)
{
    size_t len;
    AUTO_FREE char *from = unit_read_file("test/fixtures/kube-proxy-config/ok.yaml", &len);
    const char *line = strstr(from, "  kubeconfig:");
    ck_assert_ptr_nonnull(line);
    const char *behind = strchr(line, '\n') + 1;
    AUTO_FREE char *to = xasprintf("%.*s%s", (int)(line - from), from, behind);
    AUTO_FREE char *diff = textdiff_unified(from, to, "a", "b");
    int removed = 0;
    for (const char *at = diff; (at = strchr(at, '\n')) != NULL && at[1] != '\0'; at++) {
        ck_assert_msg(at[1] != '+' || strncmp(at + 1, "+++ ", 4) == 0, "%s", diff);
        removed += at[1] == '-';
    }
    ck_assert_int_eq(removed, 1);
}
END_TEST

/* --- against patch(1) and against the length of the longest common subsequence --- */

static void write_file(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

static void run(const char *format, const char *dir)
{
    AUTO(buf) struct buf command = BUF_INIT(4096);
    for (const char *at = format; *at != '\0'; at++) {
        ck_assert_int_eq(*at == '@' ? buf_puts(&command, dir) : buf_append(&command, at, 1), 0);
    }
    int status = system(buf_str(&command));
    ck_assert_msg(status == 0, "%s: status %d", buf_str(&command), status);
}

static void expect_patch_applies(const char *dir, const char *from, const char *to)
{
    AUTO_FREE char *diff = textdiff_unified(from, to, "a", "b");
    write_file(dir, "from", from);
    write_file(dir, "diff", diff);
    run("patch --quiet --fuzz=0 --force --output=@/to @/from <@/diff >@/said 2>&1 "
        "|| { cat @/diff @/said; false; }",
        dir);
    AUTO_FREE char *path = xasprintf("%s/to", dir);
    AUTO_FREE char *got = unit_read_file(path, NULL);
    ck_assert_msg(strcmp(got, to) == 0, "patch made\n%s\nof\n%s\nwanted\n%s\nby\n%s", got, from, to,
                  diff);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Few different lines, so that there is much to match; the last may lack its newline. */
static char *random_text(uint32_t *seed)
{
    struct buf text = BUF_INIT(65536);
    uint32_t lines = next_random(seed) % 30;
    for (uint32_t i = 0; i < lines; i++) {
        buf_printf(&text, "%c\n", 'a' + (int)(next_random(seed) % 4));
    }
    if (next_random(seed) % 4 == 0) {
        buf_puts(&text, "end");
    }
    return buf_take(&text);
}

/* The text with some lines dropped, doubled or changed. */
static char *edited_text(const char *from, uint32_t *seed)
{
    struct buf text = BUF_INIT(1 << 20);
    while (*from != '\0') {
        const char *newline = strchr(from, '\n');
        size_t len = newline != NULL ? (size_t)(newline - from) + 1 : strlen(from);
        uint32_t what = next_random(seed) % 24;
        if (what != 0) {
            buf_append(&text, from, len);
        }
        if (what == 1 && newline != NULL) {
            buf_append(&text, from, len);
        } else if (what == 2 && newline != NULL) {
            buf_printf(&text, "new %u\n", next_random(seed) % 3);
        }
        from += len;
    }
    return buf_take(&text);
}

static char *long_text(int lines, uint32_t *seed)
{
    struct buf text = BUF_INIT(1 << 22);
    for (int i = 0; i < lines; i++) {
        buf_printf(&text, "%u\n", next_random(seed) % 50);
    }
    return buf_take(&text);
}

static size_t split_lines(const char *text, const char **lines)
{
    size_t count = 0;
    while (*text != '\0') {
        lines[count++] = text;
        const char *newline = strchr(text, '\n');
        text = newline != NULL ? newline + 1 : text + strlen(text);
    }
    lines[count] = text;
    return count;
}

static bool same_line(const char *const *a, const char *const *b)
{
    return a[1] - a[0] == b[1] - b[0] && memcmp(a[0], b[0], (size_t)(a[1] - a[0])) == 0;
}

static size_t longest_common(const char *from, const char *to)
{
    const char *a[128];
    const char *b[128];
    size_t a_len = split_lines(from, a);
    size_t b_len = split_lines(to, b);
    size_t best[129][129] = {{0}};
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            size_t skip = best[i - 1][j] > best[i][j - 1] ? best[i - 1][j] : best[i][j - 1];
            best[i][j] = same_line(&a[i - 1], &b[j - 1]) ? best[i - 1][j - 1] + 1 : skip;
        }
    }
    return a_len + b_len - 2 * best[a_len][b_len];
}

static size_t count_changes(const char *diff)
{
    size_t changes = 0;
    for (const char *at = strstr(diff, "\n@@"); at != NULL; at = strchr(at + 1, '\n')) {
        changes += at[1] == '+' || at[1] == '-';
    }
    return changes;
}

START_TEST(shortest)
{
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t seed = i;
        AUTO_FREE char *from = random_text(&seed);
        AUTO_FREE char *to = i % 2 == 0 ? random_text(&seed) : edited_text(from, &seed);
        AUTO_FREE char *diff = textdiff_unified(from, to, "a", "b");
        ck_assert_msg(count_changes(diff) == longest_common(from, to),
                      "seed %u: %zu changes, %zu would do:\n%s", i, count_changes(diff),
                      longest_common(from, to), diff);
    }
}
END_TEST

START_TEST(patch_accepts)
{
    char dir[] = "/tmp/test_textdiff.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t seed = i;
        AUTO_FREE char *from = random_text(&seed);
        AUTO_FREE char *to = i % 2 == 0 ? random_text(&seed) : edited_text(from, &seed);
        if (strcmp(from, to) != 0) {
            expect_patch_applies(dir, from, to);
        }
    }
    run("rm -r @", dir);
}
END_TEST

/* Over the limits the diff is longer, and still right; and it does not take for ever. */
START_TEST(large)
{
    static const struct {
        int lines;
        bool related;
        size_t least;
        size_t most;
    } rows[] = {
        {40000, true, 4000, 6000},      /* 40,000 x (1/24 dropped + 2/24 added): about 5,000 */
        {5000, false, 6000, 9000},      /* over the look-ahead */
        {100000, false, 160000, 199999} /* over the work, too */
    };
    char dir[] = "/tmp/test_textdiff.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        uint32_t seed = 1;
        AUTO_FREE char *from = long_text(rows[row].lines, &seed);
        AUTO_FREE char *to =
            rows[row].related ? edited_text(from, &seed) : long_text(rows[row].lines, &seed);
        AUTO_FREE char *diff = textdiff_unified(from, to, "a", "b");
        size_t changes = count_changes(diff);
        ck_assert_msg(changes >= rows[row].least && changes <= rows[row].most,
                      "row %zu: %zu changes", row, changes);
        expect_patch_applies(dir, from, to);
    }
    run("rm -r @", dir);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("textdiff");
    TCase *tests = tcase_create("textdiff");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, golden);
    tcase_add_test(tests, equal_texts_give_nothing);
    tcase_add_test(tests, kube_proxy_config);
    tcase_add_test(tests, shortest);
    tcase_add_test(tests, patch_accepts);
    tcase_add_test(tests, large);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
