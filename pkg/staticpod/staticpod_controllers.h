/*
 * Values of --controllers and --kubelet-preferred-address-types: what they mean, and what to write.
 *
 * Both are lists divided by commas; the values of a repeated flag count one after the other (pflag
 * appends). Pure functions on strings.
 */
#ifndef STATICPOD_STATICPOD_CONTROLLERS_H
#define STATICPOD_STATICPOD_CONTROLLERS_H

#include <stdbool.h>
#include <stddef.h>

/* What has to be done to one of the values. */
struct staticpod_new_value {
    bool change;
    size_t index; /* of the value to replace */
    char *value;  /* by this one; owned by the caller (free) */
};

/*
 * The change that turns nodelifecycle off. As IsControllerEnabled in kube-controller-manager's
 * options: from left to right, the first exact "name" or "-name" decides, "*" is for what is not
 * named, wherever it stands; without "*" what is not named is off. The name
 * node-lifecycle-controller (1.28) is understood, and nodelifecycle written, which all know.
 * At least one value is given.
 */
struct staticpod_new_value staticpod_controllers_off(const char *const *values, size_t count);

/* The change that puts Hostname first, the rest as it was. At least one value is given. */
struct staticpod_new_value staticpod_hostname_first(const char *const *values, size_t count);

#endif
