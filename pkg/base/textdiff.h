/*
 * Unified diffs of two texts, line by line, as diff -u writes them and patch(1) reads them.
 *
 * Pure and deterministic. With fewer than 2,000 changed lines the diff is the shortest there is,
 * found in linear space (E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).
 * Beyond that it is correct but may be longer, and what could not be matched within a fixed amount
 * of work is replaced as a whole.
 */
#ifndef BASE_TEXTDIFF_H
#define BASE_TEXTDIFF_H

/*
 * The diff from one text to the other with three lines of context, headed "--- OLD_NAME" and
 * "+++ NEW_NAME"; "" when they are equal. The last line need not end in a newline, and a newline
 * there counts as a difference. Caller frees.
 */
char *textdiff_unified(const char *old_text, const char *new_text, const char *old_name,
                       const char *new_name);

#endif
