/* Takes the place of NVRTC of version MAJOR.0: what is compiled is the source behind the option.
 * Source that begins with "fails" does not compile. Version 12 takes one option. */
#include <stdio.h>
#include <string.h>

#define CALL(name, ...) \
  int name(__VA_ARGS__); \
  int name(__VA_ARGS__)

static char source[100], code[300];

CALL(nvrtcVersion, int *major, int *minor) {
  *major = MAJOR, *minor = 0;
  return 0;
}
CALL(nvrtcGetNumSupportedArchs, int *count) {
  *count = 3;
  return 0;
}
CALL(nvrtcGetSupportedArchs, int *numbers) {
  numbers[0] = 75, numbers[1] = 100, numbers[2] = 90;
  return 0;
}
CALL(nvrtcCreateProgram, void **program, const char *text, const char *name, int headers,
     const char **header, const char **names) {
  *program = source;
  snprintf(source, sizeof source, "%s", text);
  return !name || headers || header || names;
}
CALL(nvrtcCompileProgram, void *program, int count, const char **options) {
  if (count > 1 && MAJOR < 13) return 5;
  if (program != source || count > 2 || !strncmp(source, "fails", 5)) return 6;
  snprintf(code, sizeof code, "%s%s%s: %s", options[0], count > 1 ? " " : "", count > 1 ? options[1] : "", source);
  return 0;
}
static size_t put(char *to, const char *kind) {
  char made[400];
  snprintf(made, sizeof made, "%s, %s", kind, code);
  if (to) memcpy(to, made, strlen(made));
  return strlen(made);
}
CALL(nvrtcGetProgramLogSize, void *program, size_t *size) {
  *size = 9;
  return program != source;
}
CALL(nvrtcGetProgramLog, void *program, char *log) {
  memcpy(log, "it fails", 9);
  return program != source;
}
CALL(nvrtcGetCUBINSize, void *program, size_t *size) {
  *size = put(0, "binary");
  return program != source;
}
CALL(nvrtcGetCUBIN, void *program, char *to) {
  put(to, "binary");
  return program != source;
}
CALL(nvrtcGetPTXSize, void *program, size_t *size) {
  *size = put(0, "PTX");
  return program != source;
}
CALL(nvrtcGetPTX, void *program, char *to) {
  put(to, "PTX");
  return program != source;
}
CALL(nvrtcDestroyProgram, void **program) {
  *program = 0;
  return 0;
}
