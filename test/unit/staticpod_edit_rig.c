#include "unit/staticpod_edit_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

const struct staticpod_wanted rig_controllers = {.component = STATICPOD_CONTROLLER_MANAGER,
                                                 .nodelifecycle_off = true};
const struct staticpod_wanted rig_hostname = {.component = STATICPOD_APISERVER,
                                              .hostname_first = true};
const struct staticpod_wanted rig_authority = {.component = STATICPOD_APISERVER,
                                               .no_certificate_authority = true};
const struct staticpod_wanted rig_dns = {.component = STATICPOD_APISERVER, .nameserver = "1.2.3.4"};
const struct staticpod_wanted rig_apiserver = {.component = STATICPOD_APISERVER,
                                               .hostname_first = true,
                                               .no_certificate_authority = true,
                                               .nameserver = "1.2.3.4"};

static char *replace_all(const char *text, const char *what, const char *with)
{
    AUTO(buf) struct buf out = BUF_INIT(1 << 20);
    for (const char *at; (at = strstr(text, what)) != NULL; text = at + strlen(what)) {
        buf_append(&out, text, (size_t)(at - text));
        buf_puts(&out, with);
    }
    buf_puts(&out, text);
    return buf_take(&out);
}

void rig_check_edited(const struct staticpod_wanted *wanted, const char *in, const char *out)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(in, strlen(in), wanted, &edit);
    ck_assert_msg(edit.outcome == STATICPOD_EDITED, "outcome %d (%zu:%zu %s) for:\n%s",
                  edit.outcome, edit.refusal.line, edit.refusal.column, edit.refusal.message, in);
    ck_assert_str_eq(edit.text, out);
    ck_assert_uint_eq(edit.len, strlen(out));
    ck_assert_uint_gt(edit.changes.len, 0);
    ck_assert_ptr_null(edit.refusal.message);
    rig_check_as_wanted(wanted, edit.text);
}

void rig_check_edited_variants(const struct staticpod_wanted *wanted, const char *in,
                               const char *out)
{
    static const struct {
        const char *what; /* replaced in both texts; NULL: nothing */
        const char *with;
        const char *head; /* put in front of both */
        const char *tail; /* put behind both */
    } variants[] = {
        {NULL, NULL, "", ""}, /* these three for JSON too */
        {"\n", "\r\n", "", ""},
        {"\n", "\r", "", ""},
        {NULL, NULL, "\xef\xbb\xbf", ""},
        {NULL, NULL, "# a\n%YAML 1.1\n--- # b\n\n", ""},
        {NULL, NULL, "# \xe4\xb8\xad\xf0\x9f\x98\x80\n", ""},
        {NULL, NULL, "", "---\n# nothing\n---\n"},
    };
    /* nothing may stand around JSON */
    for (size_t i = 0; i < (*in == '{' ? 3 : ARRAY_LEN(variants)); i++) {
        AUTO_FREE char *long_in = xasprintf("%s%s%s", variants[i].head, in, variants[i].tail);
        AUTO_FREE char *long_out = xasprintf("%s%s%s", variants[i].head, out, variants[i].tail);
        const char *what = variants[i].what != NULL ? variants[i].what : "\n";
        const char *with = variants[i].what != NULL ? variants[i].with : "\n";
        AUTO_FREE char *variant_in = replace_all(long_in, what, with);
        AUTO_FREE char *variant_out = replace_all(long_out, what, with);
        rig_check_edited(wanted, variant_in, variant_out);
    }
}

void rig_check_as_wanted(const struct staticpod_wanted *wanted, const char *in)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(in, strlen(in), wanted, &edit);
    ck_assert_msg(edit.outcome == STATICPOD_AS_WANTED, "outcome %d (%zu:%zu %s) for:\n%s",
                  edit.outcome, edit.refusal.line, edit.refusal.column, edit.refusal.message, in);
    ck_assert_ptr_null(edit.text);
    ck_assert_uint_eq(edit.changes.len, 0);
    ck_assert(staticpod_edit_as_wanted(in, strlen(in), wanted));
}

void rig_check_refused(const struct staticpod_wanted *wanted, const char *in, size_t in_len,
                       size_t line, size_t column, const char *says)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(in, in_len, wanted, &edit);
    ck_assert_msg(edit.outcome == STATICPOD_REFUSED, "outcome %d for:\n%s", edit.outcome, in);
    ck_assert_msg(strstr(edit.refusal.message, says) != NULL, "\"%s\" without \"%s\" for:\n%s",
                  edit.refusal.message, says, in);
    ck_assert_msg(edit.refusal.line == line && edit.refusal.column == column,
                  "at %zu:%zu, not %zu:%zu (%s) for:\n%s", edit.refusal.line, edit.refusal.column,
                  line, column, edit.refusal.message, in);
    ck_assert_ptr_null(edit.text);
    ck_assert_uint_eq(edit.changes.len, 0);
    ck_assert(!staticpod_edit_as_wanted(in, in_len, wanted));
}
