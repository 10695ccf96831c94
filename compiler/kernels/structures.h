/* Smallest AND/XOR circuits of four-input functions, by enumeration. */

/* Finds circuits of least size for each class of functions.

   classes [65536]: the class of each function, given as a table. gates: at most this many gates are
   tried. keep: circuits kept a class, a fair sample of those that are found. size [classes]: filled
   with the least number of gates, or 255 where none was found. count [classes]: circuits kept.
   circuits [classes, keep, 7, 2]: literals 2 * node + inverted of each gate, node 0 being the constant
   false, 1 to 4 the inputs; an AND has its smaller literal first, an XOR its larger one; the last
   gate is the output. table [classes, keep]: the function of each circuit. */
void enumerate_structures(const uint8_t *classes, int32_t n_classes, int32_t gates, int32_t keep,
                          uint8_t *size, int32_t *count, uint8_t *circuits, uint16_t *table);
