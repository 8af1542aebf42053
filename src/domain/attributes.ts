export type AttributeType = 'text' | 'number' | 'boolean' | 'date' | 'dateTime';

/** An attribute of a Personalization user or account. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
}
