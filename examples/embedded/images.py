"""Write held-out handwritten digits as a C header: python images.py > images.h"""

from gatewright.frontend import load_dataset

data = load_dataset("digits")
x = data.x_test.reshape(len(data.x_test), -1).astype("uint8")
print("#include <stdint.h>")
print(f"#define IMAGES {len(x)}")
print(f"static const uint8_t images[IMAGES][{x.shape[1]}] = {{")
print(",\n".join("{" + ",".join(map(str, row)) + "}" for row in x) + "};")
print("static const uint8_t labels[IMAGES] = {" + ",".join(map(str, data.y_test)) + "};")
