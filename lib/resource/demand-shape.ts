/**
 * What a task asks for, as a small integer: tasks of one shape wait together, so "the head does not fit" answers for all
 * behind it. A shape is a demand vector and a class, because kept slots make the class part of what fits.
 */
export interface DemandShape {
  readonly index: number;
  readonly classIndex: number;
  /** Model whose slots it asks for. */
  readonly model: number;
  /** Pool indices, ascending. */
  readonly pools: readonly number[];
  /** Amounts, parallel to `pools`, > 0. */
  readonly amounts: readonly number[];
}

export class DemandShapes {
  readonly all: DemandShape[] = [];
  readonly #byKey = new Map<string, DemandShape>();

  /** The shape of this demand, made at its first use. */
  intern(classIndex: number, model: number, pools: readonly number[], amounts: readonly number[]): DemandShape {
    const key = `${classIndex}|${model}|${pools.join()}|${amounts.join()}`;
    let shape = this.#byKey.get(key);
    if (shape === undefined) {
      shape = { index: this.all.length, classIndex, model, pools: [...pools], amounts: [...amounts] };
      this.#byKey.set(key, shape);
      this.all.push(shape);
    }
    return shape;
  }
}
