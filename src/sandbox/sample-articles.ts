import type { NewArticle, NewMacro } from './help-centre.ts';

// The help centre of the shop that the sandbox's tickets are written to: outdoor gear with a planning app. Written for
// it; no shop of that name is meant.

const en = (title: string, html: string) => ({ locale: 'en-US', title, html });
const de = (title: string, html: string) => ({ locale: 'de', title, html });

/** Articles, by the short names that the sample history knows them by. */
export const sampleArticles = {
  tracking: {
    id: 9001,
    folder: 'Orders',
    texts: [
      en(
        'Where is my order?',
        `<p>The tracking link is in the dispatch mail. A parcel may show no movement for up to six working days while it changes depots.</p>
<h2>No movement for six working days</h2><p>Then we ask the carrier to search for it. A search takes five working days. If the parcel is not found we send the goods again or refund them, as you like.</p>
<h2>Parcel waits at a depot or shop</h2><p>It is kept for seven days. Take the order number (TH- and five digits) and an identity card with you.</p>`,
      ),
      de(
        'Wo ist meine Bestellung?',
        `<p>Den Link zur Sendungsverfolgung finden Sie in der Versandmail. Bis zu sechs Werktage ohne neue Meldung sind normal.</p>
<h2>Sechs Werktage ohne Bewegung</h2><p>Dann stellen wir einen Nachforschungsauftrag. Er dauert fünf Werktage. Bleibt das Paket verschwunden, liefern wir neu oder erstatten.</p>`,
      ),
    ],
  },
  damaged: {
    id: 9002,
    folder: 'Orders',
    texts: [
      en(
        'Parcel damaged or incomplete',
        `<p>Please tell us within 14 days and send a photo of the box, its label and the goods. You need not send anything back before we ask you to.</p>
<h2>Something is missing</h2><p>Small parts such as pegs and guy lines often lie in the lid of the box. If they are not there we send them the same day.</p>
<h2>Broken on arrival</h2><p>We send a replacement at no cost, or refund the item. You choose.</p>`,
      ),
      de(
        'Paket beschädigt oder unvollständig',
        `<p>Bitte melden Sie es innerhalb von 14 Tagen mit Fotos von Karton, Etikett und Ware.</p>
<h2>Es fehlt etwas</h2><p>Kleinteile wie Heringe liegen oft im Deckel. Sind sie nicht da, senden wir sie am selben Tag nach.</p>`,
      ),
    ],
  },
  change: {
    id: 9003,
    folder: 'Orders',
    texts: [
      en(
        'Change or cancel an order',
        `<p>Until the dispatch mail has been sent you can change the address or cancel under <b>My orders → Change</b>.</p>
<h2>After dispatch</h2><p>The address can no longer be changed by us; the carrier's tracking page may offer another drop-off place. To cancel, refuse the parcel or return it.</p>`,
      ),
      {
        locale: 'es',
        title: 'Cambiar o cancelar un pedido',
        html: '<p>Hasta que se envíe el aviso de expedición puede cambiar la dirección o cancelar en <b>Mis pedidos → Cambiar</b>. Después, solo el transportista puede ofrecer otro punto de entrega.</p>',
      },
    ],
  },
  returns: {
    id: 9004,
    folder: 'Returns and payment',
    texts: [
      en(
        'Returns and exchanges',
        `<p>You have 60 days. Unused goods in their packing come back free of charge with the label under <b>My orders → Return</b>.</p>
<h2>Another size or colour</h2><p>Choose <b>Exchange</b> and the new size: it leaves as soon as the carrier has scanned your parcel. When we sent the wrong thing, an exchange is free at any time.</p>
<h2>In the shop</h2><p>The shop in Graz takes returns of online orders too.</p>`,
      ),
      de(
        'Rückgabe und Umtausch',
        `<p>Sie haben 60 Tage Zeit. Das Etikett finden Sie unter <b>Meine Bestellungen → Rücksendung</b>.</p><h2>Andere Größe</h2><p>Wählen Sie <b>Umtausch</b>. Auch der Laden in Graz nimmt Online-Bestellungen zurück.</p>`,
      ),
    ],
  },
  refund: {
    id: 9005,
    folder: 'Returns and payment',
    texts: [
      en(
        'When does my refund arrive?',
        `<p>We refund within five working days after the parcel has reached us, always the way you paid. Banks take up to ten days more with cards.</p>
<h2>Longer than three weeks</h2><p>Write to us with the return number: then it has got stuck, and we look for it by hand.</p>`,
      ),
    ],
  },
  payment: {
    id: 9006,
    folder: 'Returns and payment',
    texts: [
      en(
        'Payment refused or charged twice',
        `<h2>Charged twice</h2><p>The second amount is most often a reservation, which the bank releases within five working days. If both are still there after that, send us a picture of the statement and we return one.</p>
<h2>Refused although the card is good</h2><p>Three refusals lock a card for 24 hours in our shop. Wait for that, switch off VPN, and let your bank's app confirm the payment.</p>`,
      ),
    ],
  },
  invoice: {
    id: 9007,
    folder: 'Returns and payment',
    texts: [
      en(
        'Invoices and VAT',
        `<p>Each order has its invoice as PDF under <b>My orders → Invoice</b>, with VAT shown.</p>
<h2>Wrong name or wrong amount</h2><p>We correct an invoice within 12 months: write the name and address it should have, or the price that was agreed.</p>`,
      ),
    ],
  },
  giftcard: {
    id: 9008,
    folder: 'Returns and payment',
    texts: [
      en(
        'Gift cards',
        `<p>Gift cards are good for five years. Codes have three groups (TRAIL-XXXX-XX) and no letter O, only the digit 0.</p>
<h2>“Code not valid”</h2><p>Look whether it was spent already under <b>Account → Gift cards</b>. If not, send us a photo of the card.</p>`,
      ),
    ],
  },
  warranty: {
    id: 9009,
    folder: 'Gear',
    texts: [
      en(
        'Warranty and repairs',
        `<p>Everything with our name on it has a warranty of three years on seams, zips, buckles and straps.</p>
<h2>Zips</h2><p>A stuck zip often runs again with a little wax. If it jams again we change it free of charge.</p>
<h2>Stoves</h2><p>Do not use a stove or regulator that leaks. Send us a photo: leaking regulators are replaced at once, without a return.</p>`,
      ),
    ],
  },
  spareparts: {
    id: 9010,
    folder: 'Gear',
    texts: [
      en(
        'Spare tent poles and pegs',
        `<p>A broken pole of the Col tents is replaced free of charge within the warranty: name the tent, the colour mark on the pole and your address. Until then the repair sleeve in the pole bag holds it.</p>`,
      ),
    ],
  },
  signin: {
    id: 9011,
    folder: 'Planner app',
    texts: [
      en(
        'Signing in to the planner app',
        `<h2>The app asks for the password every day</h2><p>Since 5.2 Android may put the app to sleep and drop its key. Set <b>Settings → Apps → Planner → Battery</b> to unrestricted, sign in once more, and update to 5.2.1.</p>
<h2>No code by text message</h2><p>The code goes to the number in your account. With a new number choose <b>Other ways → E-mail code</b>, then change it under <b>Account → Phone</b>.</p>
<h2>The app closes at once</h2><p>Remove the offline maps of the older version: keep the icon pressed → <b>Clear maps</b>.</p>`,
      ),
      {
        locale: 'fr',
        title: 'Se connecter à l’application',
        html: '<p>Le code est envoyé au numéro de votre compte. Avec un nouveau numéro, choisissez <b>Autres moyens → Code par e-mail</b>, puis changez-le sous <b>Compte → Téléphone</b>.</p>',
      },
    ],
  },
  sync: {
    id: 9012,
    folder: 'Planner app',
    texts: [
      en(
        'Elevation profile missing on the watch',
        `<p>Routes with more than 10,000 points are sent without their profile. Open the route, choose <b>Simplify</b>, then <b>Send again</b>.</p>
<h2>Still empty</h2><p>Keep the app open until the bar on the watch is full; on the watch choose <b>Routes → Rebuild</b>.</p>`,
      ),
    ],
  },
  maps: {
    id: 9013,
    folder: 'Planner app',
    texts: [
      en(
        'Offline maps',
        `<p>The free plan holds one region at a time, Plus any number. A region takes 300 to 900 MB.</p><p>Download over Wi-Fi before you leave, then switch to flight mode once and look whether the map shows.</p>`,
      ),
    ],
  },
  plus: {
    id: 9014,
    folder: 'Planner app',
    texts: [
      en(
        'Cancel Plus',
        `<p>Plus is cancelled where it was bought: in the web shop under <b>Account → Plan → End</b>, or in the store of your phone. The button is not in the app itself. Plus stays until the end of the paid time.</p>`,
      ),
      {
        locale: 'nl',
        title: 'Plus opzeggen',
        html: '<p>Plus zegt u op waar u het hebt gekocht: in de webwinkel onder <b>Account → Abonnement → Beëindigen</b>, of in de store van uw telefoon.</p>',
      },
    ],
  },
  privacy: {
    id: 9015,
    folder: 'Planner app',
    texts: [
      en(
        'Delete your account and your data',
        `<p>Choose <b>Account → Privacy → Delete</b> and confirm by mail. Everything goes within 30 days but invoices, which the law makes us keep. You get a written confirmation.</p>`,
      ),
    ],
  },
  draft: {
    id: 9016,
    folder: 'Gear',
    texts: [
      { ...en('Stove regulators: recall (draft)', '<p>Text follows when the lab has answered.</p>'), draft: true },
    ],
  },
  goodwill: {
    id: 9017,
    folder: 'Internal',
    restricted: true,
    texts: [
      en('Goodwill: what agents may give', '<p>Up to 30 euros without asking; above that the team lead decides.</p>'),
    ],
  },
} satisfies Record<string, NewArticle>;

export const sampleMacros: readonly NewMacro[] = [
  {
    title: 'Ask for photos of the damage',
    html: '<p>Thank you for telling us. Please send a photo of the box, of its label and of the goods, and we will take care of it the same day.</p>',
  },
  {
    title: 'Carrier search started',
    html: '<p>We have asked the carrier to search for your parcel. That takes up to five working days; I will write to you then, whatever they say.</p>',
  },
  {
    title: 'Return label',
    html: '<p>You find the label under My orders → Return. Put it on the box and leave it at any parcel shop; it costs you nothing.</p>',
  },
  {
    title: 'Solved, goodbye',
    html: '<p>You are welcome! I close this ticket now; just answer if anything is left.</p>',
  },
  { title: 'Hand over to workshop', html: '<p>Workshop, please have a look.</p>', internal: true },
  { title: 'Robin’s own greeting', html: '<p>Hey there, Robin here.</p>', personal: true },
  { title: 'Christmas 2024', html: '<p>We are back on 2 January 2025.</p>', active: false },
];
