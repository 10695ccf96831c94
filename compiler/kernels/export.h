/* EXPORT marks what a library offers; all else is hidden. */
#ifndef EXPORT_H
#define EXPORT_H
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#endif
