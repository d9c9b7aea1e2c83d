/** An HTTP client that can misbehave: it stops reading, and it leaves whenever it likes. */
import { connect, type Socket } from 'node:net';

const TAIL = 200;

export class RawClient {
  readonly #socket: Socket;
  #text = '';
  /** The last bytes again: to look at the end of a long rope of text would copy all of it. */
  #tail = '';
  #ended = false;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      this.#text += text;
      this.#tail = (this.#tail + text).slice(-TAIL);
      this.#notify();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#notify();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Sends a POST with a JSON body. */
  post(path: string, body: object): void {
    const json = JSON.stringify(body);
    this.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
    );
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  stopReading(): void {
    this.#socket.pause();
  }

  readOn(): void {
    this.#socket.resume();
  }

  /** Gone without a word. */
  leave(): void {
    this.#socket.destroy();
  }

  /** Says that it sends no more, as a client does that closes its connection in good order. */
  sayGoodbye(): void {
    this.#socket.end();
  }

  /** All that came, when it matches. Rejects when the connection ends without. */
  async received(pattern: Pick<RegExp, 'test'>): Promise<string> {
    while (!pattern.test(this.#text)) {
      if (this.#ended)
        throw new Error(
          `the connection ended without what was waited for (${pattern}); last: ${JSON.stringify(this.#text.slice(-200))}`,
        );
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this.#text;
  }

  /** All that came, when its last bytes hold `text`: for answers too long to search anew with every packet. */
  async receivedAtEnd(text: string): Promise<string> {
    await this.received({ test: () => this.#tail.includes(text) });
    return this.#text;
  }

  /** All that came, when the server has closed the connection. */
  async closed(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.#text;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
