const given = [
  'Aiko', 'Amara', 'Anton', 'Astrid', 'Bashir', 'Beatriz', 'Bram', 'Camille', 'Chidi', 'Clara', 'Dario', 'Deepa', 'Dmitri', 'Ebba', 'Elena', 'Emeka', 'Farah', 'Felix', 'Femke', 'Gita',
  'Greta', 'Hamid', 'Hana', 'Hugo', 'Ifeoma', 'Ines', 'Ivan', 'Jamal', 'Jelena', 'Joost', 'Kaito', 'Kamala', 'Karim', 'Kerstin', 'Lars', 'Leila', 'Liam', 'Luca', 'Magda', 'Malik',
  'Marisol', 'Matteo', 'Mei', 'Mirjam', 'Nadia', 'Nikhil', 'Noemi', 'Olga', 'Omar', 'Oona', 'Pablo', 'Petra', 'Priya', 'Quentin', 'Rafael', 'Rania', 'Renata', 'Rohan', 'Sanna', 'Selim',
  'Sigrid', 'Sofia', 'Soren', 'Tamar', 'Tariq', 'Thandi', 'Tomasz', 'Uma', 'Valeria', 'Viktor', 'Wanjiru', 'Wei', 'Xenia', 'Yara', 'Yusuf', 'Zainab', 'Zeno', 'Zofia',
];
const family = [
  'Abbott', 'Adeyemi', 'Almeida', 'Andersson', 'Baker', 'Banerjee', 'Bauer', 'Becker', 'Bianchi', 'Castillo', 'Chen', 'Coleman', 'Costa', 'Dahl', 'Das', 'Delgado', 'Diallo', 'Dubois', 'Eriksen', 'Evans',
  'Farouk', 'Fischer', 'Fofana', 'Garcia', 'Gomez', 'Gruber', 'Haddad', 'Hansen', 'Hassan', 'Horvat', 'Huang', 'Ibrahim', 'Ito', 'Jansen', 'Jensen', 'Joshi', 'Kaya', 'Keller', 'Khan', 'Kim',
  'Kovacs', 'Kowalski', 'Kumar', 'Larsen', 'Lefevre', 'Lopez', 'Maier', 'Marino', 'Mbeki', 'Mendes', 'Moreau', 'Murphy', 'Nakamura', 'Ndiaye', 'Nguyen', 'Novak', 'Nowak', 'Okafor', 'Olsen', 'Papadakis',
  'Patel', 'Pereira', 'Petrov', 'Popescu', 'Quinn', 'Rahman', 'Ramos', 'Rossi', 'Sato', 'Schmidt', 'Sharma', 'Silva', 'Singh', 'Suzuki', 'Tanaka', 'Toure', 'Usman', 'Vargas', 'Virtanen', 'Wagner', 'Walsh', 'Weber', 'Yamada', 'Yilmaz', 'Zhang', 'Zimmermann',
];

/** The n-th name, a different one for each n below 78 * 86. */
export function nameNumber(n: number): { readonly first: string; readonly last: string } {
  const first = given[n % given.length];
  // The shift keeps neighbours from sharing a family name; it is fixed within a block of given names, so no pair comes twice.
  const last = family[(Math.floor(n / given.length) + (n % given.length)) % family.length];
  if (first === undefined || last === undefined || n >= given.length * family.length) throw new Error(`no name ${n}`);
  return { first, last };
}

const firms = ['Alder', 'Basalt', 'Cobalt', 'Delta', 'Ember', 'Fjord', 'Granite', 'Harbor', 'Iris', 'Juniper', 'Kestrel', 'Lumen', 'Meridian', 'Nimbus', 'Onyx', 'Prairie', 'Quarry', 'Raven', 'Sable', 'Tundra', 'Umbra', 'Vertex', 'Willow', 'Yarrow', 'Zephyr'];
const trades = ['Foods', 'Logistics', 'Systems', 'Textiles', 'Energy', 'Media', 'Health', 'Robotics', 'Paper', 'Travel', 'Optics', 'Seeds'];
const forms = ['Inc.', 'GmbH', 'plc'];

/** The n-th firm, a different one for each n below 25 * 12 * 3. */
export function firmNumber(n: number): string {
  const firm = firms[n % firms.length];
  const trade = trades[Math.floor(n / firms.length) % trades.length];
  const form = forms[Math.floor(n / (firms.length * trades.length))];
  if (firm === undefined || trade === undefined || form === undefined) throw new Error(`no firm ${n}`);
  return `${firm} ${trade} ${form}`;
}
