// Prints the class of each sample in a file, a row of as many bytes as the network has features:
// node main.mjs net.wasm FILE. In a page, fetch the module instead of reading it.
import { readFile } from "node:fs/promises";

const UINT8 = 1;
const CLASSES = 3;

export class Network {
  // `module`: the bytes of the library.
  static async load(module) {
    const { instance } = await WebAssembly.instantiate(module);
    return new Network(instance.exports);
  }

  constructor(library) {
    this.library = library;
    const text = new Uint8Array(library.memory.buffer, library.net_manifest());
    this.manifest = JSON.parse(new TextDecoder().decode(text.subarray(0, text.indexOf(0))));
    this.features = this.manifest.shape.reduce((product, size) => product * size, 1);
    this.base = library.memory.buffer.byteLength; // behind what the library uses
  }

  // Classes of rows of bytes, a Uint8Array.
  predict(x) {
    const { memory, net_run, net_workspace_bytes } = this.library;
    const n = x.length / this.features;
    const out = this.base + Number(net_workspace_bytes());
    const rows = Math.ceil(out / 8) * 8 + 8 * n;
    const missing = rows + x.length - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    new Uint8Array(memory.buffer).set(x, rows);
    const stride = BigInt(this.features);
    const answers = rows - 8 * n;
    const status = net_run(rows, UINT8, BigInt(n), stride, CLASSES, answers, this.base);
    if (status !== 0) throw new Error(`net_run: status ${status}`);
    return Array.from(new BigInt64Array(memory.buffer, answers, n), Number);
  }
}

const [library, file] = process.argv.slice(2);
const network = await Network.load(await readFile(library));
const classes = network.predict(new Uint8Array(await readFile(file)));
if (classes.length) console.log(classes.join("\n"));
